"""What a simulation takes otherwise than it was: more or less usage of a meter, a spending limit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from billing.plans.models import Period
from billing.pricing.charges import Charge, Plan, Usage
from billing.pricing.lines import EXACT_PLACES, Line
from billing.pricing.money import ZERO, exact, round_places
from billing.pricing.rate import rate
from billing.pricing.spans import Span

WHOLE: Final = ("count", "unique")
"""Aggregations that count things: a part of one is none."""


@dataclass(frozen=True, slots=True)
class Moved:
    """`factors`: meter -> how much of its usage there is, 1 being what there was. `limit`: on the usage of each period,
    before tax, None for none; with `stops` what passes it is refused, else it is only told of.
    """

    factors: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    limit: Decimal | None = None
    stops: bool = False

    @property
    def nothing(self) -> bool:
        return self.limit is None and all(factor == 1 for factor in self.factors.values())


AS_IT_WAS: Final = Moved()


@exact()
def moved_usage(usage: Mapping[str, Usage], charges: Iterable[Charge], moved: Moved) -> dict[str, Usage]:
    """The usage by charge, each times its meter's factor. Of things that are counted there are whole ones, rounded half
    up; single amounts (`percentage`) move each, or, where events are counted, there are more or fewer of them.
    """
    return {charge.code: _scaled(usage[charge.code], charge, moved) for charge in charges}


def _scaled(usage: Usage, charge: Charge, moved: Moved) -> Usage:
    factor = moved.factors.get(charge.meter, Decimal(1))
    if factor == 1:
        return usage
    quantity = round_places(usage.quantity * factor, 0 if charge.aggregation in WHOLE else EXACT_PLACES)
    if charge.aggregation in WHOLE:
        return Usage(quantity, (Decimal(1),) * int(quantity) if usage.amounts else ())
    return Usage(quantity, tuple(round_places(one * factor, EXACT_PLACES) for one in usage.amounts))


def reached_on(
    plan: Plan, period: Period, days: Sequence[tuple[date, Mapping[str, Usage]]], limit: Decimal
) -> date | None:
    """The first of the days by whose end usage costs `limit` or more; `days`: each with the usage up to its end.

    Usage mostly grows, so the day is found by halves; where it fell in between, a day on which it was reached.
    """
    low, high = 0, len(days)
    while low < high:
        middle = (low + high) // 2
        if usage_cost(plan, period, days[middle][1]) >= limit:
            high = middle
        else:
            low = middle + 1
    return days[low][0] if low < len(days) else None


def usage_cost(plan: Plan, period: Period, usage: Mapping[str, Usage]) -> Decimal:
    """What the period's usage so far comes to, before limits."""
    lines = rate([Span(plan, period.start, period.end, {}, usage, Fraction(1))])
    return cost_of(line for line in lines if line.kind == "usage")


@exact()
def cost_of(lines: Iterable[Line]) -> Decimal:
    return sum((line.amount for line in lines), ZERO)
