"""What lines of a period come to, by what they charge: late usage is the difference of two such sums."""

from dataclasses import dataclass
from decimal import Decimal

from billing.pricing.money import ZERO, exact

type Key = tuple[str, str, str, str, int, str, Decimal]
"""What is corrected: kind, charge, meter, plan, version, tax category, tax rate."""


@dataclass(frozen=True, slots=True)
class Sum:
    """What lines of one key come to."""

    amount: Decimal = ZERO
    exact_amount: Decimal = ZERO
    quantity: Decimal = ZERO

    @exact()
    def plus(self, amount: Decimal, exact_amount: Decimal, quantity: Decimal) -> "Sum":
        return Sum(self.amount + amount, self.exact_amount + exact_amount, self.quantity + quantity)

    @exact()
    def minus(self, other: "Sum") -> "Sum":
        return self.plus(-other.amount, -other.exact_amount, -other.quantity)


def key_of(
    kind: str, charge: str | None, meter: str | None, plan: tuple[str, int], *, category: str, rate: Decimal
) -> Key:
    """A waiver is of the period, whichever of its plan versions came last."""
    code, number = ("", 0) if kind == "limit_waiver" else plan
    return kind, charge or "", meter or "", code, number, category, rate
