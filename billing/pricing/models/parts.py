"""`TierPart`: one row of a price's working, and how two workings are subtracted.

Two invariants hold for every row and every price, also under a maximum and across a plan change:
`amount = quantity * unit_price + flat_price`, and the rows' amounts sum to the exact price.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from billing.pricing.money import ZERO, plain

Kind = Literal["included", "tier", "package", "percentage", "per_event", "maximum", "floor", "fall"]
"""`included`: units at price 0. `tier`: units of one tier (`per_unit` is a single open tier). `package`: its
quantity is the number of packages. `percentage`: the paid part of the events. Corrections have no quantity,
their flat price is the correction: `per_event` (minimum and maximum per event), `maximum` (what
`maximum_amount` takes off), `floor` (what lifts a negative price to zero), `fall` (what keeps a line from
going below zero, or what a later fall takes back)."""


@dataclass(frozen=True, slots=True)
class TierPart:
    """One row of a price's working, exact, in the plan's currency. `rate` (percent) is set where a percentage
    is priced; `unit_price` is then a hundredth of it.
    """

    up_to: Decimal | None
    quantity: Decimal
    unit_price: Decimal
    flat_price: Decimal
    amount: Decimal
    kind: Kind
    rate: Decimal | None

    def as_data(self) -> dict[str, str | None]:
        """The row as the contract's section 8 shows it, with `kind` and, for percentages, `rate` added."""
        data = {
            "up_to": None if self.up_to is None else plain(self.up_to),
            "quantity": plain(self.quantity),
            "unit_price": plain(self.unit_price),
            "flat_price": plain(self.flat_price),
            "amount": plain(self.amount),
            "kind": self.kind,
        }
        return data if self.rate is None else {**data, "rate": plain(self.rate)}


def part(
    quantity: Decimal,
    unit_price: Decimal,
    flat_price: Decimal = ZERO,
    *,
    up_to: Decimal | None = None,
    kind: Kind = "tier",
    rate: Decimal | None = None,
) -> TierPart:
    """A row whose amount follows from its quantity and prices. Call it inside `exact()`."""
    return TierPart(up_to, quantity, unit_price, flat_price, quantity * unit_price + flat_price, kind, rate)


def correction(kind: Kind, amount: Decimal) -> TierPart:
    """A row without quantity that corrects the sum of the rows above it by `amount`."""
    return part(ZERO, ZERO, amount, kind=kind)


def total(parts: Iterable[TierPart]) -> Decimal:
    """The exact sum of the rows' amounts. Call it inside `exact()`."""
    return sum((row.amount for row in parts), ZERO)


def difference(later: Iterable[TierPart], earlier: Iterable[TierPart]) -> tuple[TierPart, ...]:
    """The working of `later` less `earlier`, row by row; rows of the same step are merged, rows that cancel
    are left out.

    Call it inside `exact()`.
    """
    rows: dict[tuple[object, ...], TierPart] = {}
    for sign, parts in ((1, later), (-1, earlier)):
        for row in parts:
            key = (row.kind, row.up_to, row.unit_price, row.rate)
            seen = rows.get(key)
            quantity = (seen.quantity if seen else ZERO) + sign * row.quantity
            flat = (seen.flat_price if seen else ZERO) + sign * row.flat_price
            rows[key] = part(quantity, row.unit_price, flat, up_to=row.up_to, kind=row.kind, rate=row.rate)
    return tuple(row for row in rows.values() if row.quantity or row.flat_price)
