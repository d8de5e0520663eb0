"""Which taxes a waiver bears: those of the usage that it takes back, in proportion (contract, section 5)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.pricing.clamp import Waiver
from billing.pricing.money import ZERO, exact
from billing.pricing.shares import largest_remainder
from billing.pricing.taxes import Tax


@dataclass(frozen=True, slots=True)
class Used:
    """A usage line of the period, as limits look at it."""

    meter: str | None
    amount: Decimal
    tax: Tax


@dataclass(frozen=True, slots=True)
class Waived:
    """A part of what the limit of a meter, or the account's (None), waives. `last`: the place of the last usage line
    that it covers. `amount` is above zero.
    """

    meter: str | None
    amount: Decimal
    tax: Tax
    last: int


@exact()
def waived_by_tax(used: Sequence[Used], waivers: Sequence[Waiver], currency: str) -> tuple[Waived, ...]:
    """A part for each waiver and each tax of what it waives; meters' limits clamp before the account's."""
    left, parts = [each.amount for each in used], list[Waived]()
    for waiver in waivers:
        covered = [place for place, each in enumerate(used) if waiver.meter in (None, each.meter)]
        parts += _parts(waiver, [(used[place].tax, left[place]) for place in covered], covered[-1], currency)
        if waiver.meter is not None:
            weights = [used[place].amount for place in covered]
            for place, part in zip(covered, largest_remainder(waiver.amount, weights, currency), strict=True):
                left[place] -= part
    return tuple(parts)


def _parts(
    waiver: Waiver, covered: Sequence[tuple[Tax, Decimal]], last: int, currency: str
) -> Iterator[Waived]:
    by_tax: dict[Tax, Decimal] = {}
    for tax, amount in covered:
        by_tax[tax] = by_tax.get(tax, ZERO) + amount
    for tax, part in _shared(waiver.amount, by_tax, currency).items():
        if part:
            yield Waived(waiver.meter, part, tax, last)


def _shared(amount: Decimal, by_tax: Mapping[Tax, Decimal], currency: str) -> dict[Tax, Decimal]:
    return dict(zip(by_tax, largest_remainder(amount, list(by_tax.values()), currency), strict=True))
