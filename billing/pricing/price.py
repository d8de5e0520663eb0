"""`price`: what usage costs by one charge, exactly, with its working."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from billing.pricing.charges import Charge, Model, Usage
from billing.pricing.models.parts import TierPart, correction, part, total
from billing.pricing.models.percentage import percentage
from billing.pricing.models.tiers import graduated, graduated_percentage, volume
from billing.pricing.models.unit import package, per_unit
from billing.pricing.money import ZERO, exact

_BY_QUANTITY: Final[dict[Model, Callable[[Charge, Decimal], tuple[TierPart, ...]]]] = {
    "per_unit": per_unit,
    "package": package,
    "graduated": graduated,
    "volume": volume,
    "graduated_percentage": graduated_percentage,
}


@dataclass(frozen=True, slots=True)
class Priced:
    """An exact price, not rounded, never negative, and the rows that sum to it."""

    exact: Decimal
    tiers: tuple[TierPart, ...]


def billable(charge: Charge, usage: Usage) -> Decimal | tuple[Decimal, ...]:
    """What of `usage` the charge prices: the events' amounts for `percentage`, else the quantity, never below
    zero.

    Two usages with the same billable part cost the same; falsy means no usage.
    """
    if charge.model == "percentage":
        return usage.amounts
    return max(usage.quantity, ZERO)


@exact()
def price(charge: Charge, usage: Usage) -> Priced:
    """The price of a whole period's `usage`, in the plan's currency (contract, section 3).

    Included units first, then the model, then `maximum_amount`. Zero usage costs nothing; `minimum_amount` is
    no part of it. The rows sum to the price: included units are a row at price 0, a maximum is a negative
    `maximum` row.
    """
    rows = (
        percentage(charge, usage.amounts) if charge.model == "percentage" else _quantity_rows(charge, usage)
    )
    amount = total(rows)
    if amount < 0:
        rows, amount = (*rows, correction("floor", -amount)), ZERO
    if charge.maximum_amount is not None and amount > charge.maximum_amount:
        rows, amount = (*rows, correction("maximum", charge.maximum_amount - amount)), charge.maximum_amount
    return Priced(amount, rows)


def _quantity_rows(charge: Charge, usage: Usage) -> tuple[TierPart, ...]:
    """Included units first; the model prices the rest, if there is any."""
    quantity = max(usage.quantity, ZERO)
    free = min(quantity, charge.included)
    rows = (part(free, ZERO, kind="included"),) if free else ()
    return (*rows, *_BY_QUANTITY[charge.model](charge, quantity - free)) if quantity > free else rows
