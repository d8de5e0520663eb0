"""A meter's intervals: integers whose sum is the quantity, and what each added to the bill."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from itertools import pairwise
from typing import Final

from accounts.models import Account
from billing.invoices.exports.espi.units import Unit
from billing.invoices.exports.reading import read_now
from billing.invoices.exports.usage import spans
from billing.plans.models import Meter, Period
from billing.pricing.money import ZERO, exact
from billing.usage.queries import bucket_starts, usage_rows
from billing.usage.rating import costs_between

MULTIPLIERS: Final = (0, -3, -6, -9, -12)
"""Powers of ten that readings are written in (UnitMultiplierKind has them)."""

LARGEST: Final = 2**47 - 1
"""Of an Int48."""

COST_SHIFT: Final = 5
"""Costs are in hundred-thousandths of the currency."""


@dataclass(frozen=True, slots=True)
class Span:
    """Intervals of `granularity` (hour or day, local) in [start, end)."""

    account: Account
    start: datetime
    end: datetime
    granularity: str


@dataclass(frozen=True, slots=True)
class Interval:
    """[start, end): the quantity in the meter's unit; `cost` None where no service period holds it."""

    start: datetime
    end: datetime
    quantity: Decimal
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Reading:
    """An interval as ESPI writes it."""

    start: datetime
    end: datetime
    value: int
    cost: int | None


@exact()
def multiplier_for(span: Span, meter: Meter, unit: Unit) -> int:
    """The power of ten in which every interval is a whole number, or the finest in which the largest one still fits."""
    finest, largest = 0, ZERO
    for row in _rows(span, meter):
        value = row.scaleb(unit.shift)
        finest = min(finest, _exponent(value))
        largest = max(largest, abs(value))
    fitting = [power for power in MULTIPLIERS if largest.scaleb(-power) <= LARGEST]
    return next((power for power in fitting if power <= finest), fitting[-1] if fitting else 0)


def readings(span: Span, meter: Meter, unit: Unit, multiplier: int) -> Iterator[Reading]:
    """Rounded so that their sum up to any interval is the rounded sum up to it."""
    used, cost = Rounding(multiplier - unit.shift), Rounding(-COST_SHIFT)
    for each in _intervals(span, meter):
        told = None if each.cost is None else cost.next(each.cost)
        yield Reading(each.start, each.end, used.next(each.quantity), told)


class Rounding:
    """Whole numbers of 10^`power` for exact amounts, one after another; what is rounded off is carried on."""

    def __init__(self, power: int) -> None:
        self.power, self.sum, self.told = power, ZERO, 0

    @exact()
    def next(self, amount: Decimal) -> int:
        self.sum += amount
        whole = int(self.sum.scaleb(-self.power).to_integral_value(ROUND_HALF_UP))
        found, self.told = whole - self.told, whole
        return found


def _rows(span: Span, meter: Meter) -> Iterator[Decimal]:
    for start, end in spans(span.account.timezone, span.start, span.end, "month"):
        read = partial(usage_rows, span.account, meter, start, end, span.granularity)
        yield from (row.quantity for row in read_now(span.account, read))


def _intervals(span: Span, meter: Meter) -> Iterator[Interval]:
    """All of them, those without usage too, a calendar month at a time."""
    for start, end in spans(span.account.timezone, span.start, span.end, "month"):
        yield from read_now(span.account, partial(_month, span, meter, start, end))


def _month(span: Span, meter: Meter, start: datetime, end: datetime) -> list[Interval]:
    account, granularity = span.account, span.granularity
    cuts = [*bucket_starts(account.timezone, start, end, granularity), end]
    used = {row.start: row.quantity for row in usage_rows(account, meter, start, end, granularity)}
    costs = _costs(account, meter, cuts)
    return [
        Interval(cut, following, used.get(cut, ZERO), costs.get(cut)) for cut, following in pairwise(cuts)
    ]


@exact()
def _costs(account: Account, meter: Meter, cuts: Sequence[datetime]) -> dict[datetime, Decimal]:
    """What each interval added to the exact price of the meter's charges; one that two periods share, to both."""
    periods = Period.objects.filter(account=account, trial=False, start__lt=cuts[-1], end__gt=cuts[0])
    costs: dict[datetime, Decimal] = {}
    for period in periods.select_related("account", "base_version__plan").order_by("start"):
        inside = [each for each in pairwise(cuts) if each[0] < period.end and each[1] > period.start]
        own = [max(inside[0][0], period.start), *(min(following, period.end) for _cut, following in inside)]
        for (cut, _following), cost in zip(inside, costs_between(period, own, meter.code), strict=True):
            costs[cut] = costs.get(cut, ZERO) + cost
    return costs


def _exponent(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
