"""What usage will have cost by the end of the period: a cautious sum of days, not a model.

The last four weeks of complete days give a level (their mean, in which the highest and the lowest day count
no more than the ones next to them, so that one odd day does not lead) and, from two weeks on, the shape of
the week (each weekday's mean against the level, drawn halfway to it while there is little of it). What is
left of today and every day after it is expected to cost level × weekday. The bands come from the scatter of
the same days around that expectation, counting both the scatter to come and what is uncertain about the
level, widened for few days as Student's t is. Everything is deterministic, and nothing spent is ever forecast
away.
"""

from calendar import Day
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Final

from billing.pricing.dates import DAY
from billing.pricing.money import PRECISION, ZERO, round_money

WINDOW_DAYS: Final = 28
MIN_DAYS: Final = 3
"""Complete days that a forecast needs."""
MIN_SHAPED_DAYS: Final = 14
"""Complete days from which weekdays are told apart, and a forecast may be called confident."""
MAX_CONFIDENT_WIDTH: Final = Decimal("0.5")
"""high - low of a confident forecast, as a part of what is expected."""

_Z80, _Z95 = Decimal("1.281552"), Decimal("1.959964")
_CONTEXT: Final = Context(PRECISION)


@dataclass(frozen=True, slots=True)
class Band:
    """What the period will have cost by the end of `day`: the middle, and where 80 and 95 of 100 should lie."""

    day: date
    low95: Decimal
    low80: Decimal
    mid: Decimal
    high80: Decimal
    high95: Decimal


@dataclass(frozen=True, slots=True)
class Forecast:
    """The period's usage cost at its end, `low` to `high` with 80 %; and a band for today and each day left."""

    low: Decimal
    expected: Decimal
    high: Decimal
    confident: bool
    bands: tuple[Band, ...]

    def crossing_date(self, limit: Decimal) -> date | None:
        """The first day, from today, by whose end the middle reaches `limit`; None: not in this period."""
        return next((band.day for band in self.bands if band.mid >= limit), None)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """Expected cost by weekday (Monday is 0), a day's scatter around it, the days and freedom they come from."""

    by_weekday: tuple[Decimal, ...]
    variance: Decimal
    days: int
    freedom: int


def forecast(
    history: Iterable[tuple[date, Decimal]],
    *,
    spent: Decimal,
    today: date,
    today_fraction: Decimal | Fraction,
    end_day: date,
    currency: str,
) -> Forecast | None:
    """The forecast of a period that ends before `end_day`, or None while there are not enough days.

    `history`: usage cost by complete local day, of this period and earlier ones, in any order; days between
    the first and today that are missing cost nothing, today and later are ignored. `spent`: this period's
    usage so far, today included. `today_fraction`: how much of today has passed, 0 to 1. Answers in minor
    units. ValueError if today is not before `end_day`, or for a fraction outside 0 to 1.
    """
    if not 0 <= today_fraction <= 1 or today >= end_day:
        raise ValueError(f"cannot forecast from {today_fraction} of {today} to {end_day}")
    with localcontext(_CONTEXT):
        costs = _complete_days(history, today)
        if len(costs) < MIN_DAYS:
            return None
        passed = Fraction(today_fraction)
        rest = Decimal(passed.denominator - passed.numerator) / Decimal(passed.denominator)
        after = [(today + DAY * number, Decimal(1)) for number in range(1, (end_day - today).days)]
        bands = _bands(_pattern(costs), spent, [(today, rest), *after], currency)
        last = bands[-1]
        narrow = last.high80 - last.low80 <= last.mid * MAX_CONFIDENT_WIDTH
        confident = len(costs) >= MIN_SHAPED_DAYS and narrow
        return Forecast(last.low80, last.mid, last.high80, confident, bands)


def _complete_days(history: Iterable[tuple[date, Decimal]], today: date) -> list[tuple[date, Decimal]]:
    """Up to four weeks of days before today, gaps filled with zero, in order."""
    known: dict[date, Decimal] = defaultdict(Decimal)
    for day, cost in history:
        known[day] += cost
    count = min((today - min(known, default=today)).days, WINDOW_DAYS)
    return [(day, known.get(day, ZERO)) for day in (today - DAY * back for back in range(count, 0, -1))]


def _pattern(costs: Sequence[tuple[date, Decimal]]) -> _Pattern:
    steady = _steady(costs)
    level = sum((cost for _, cost in steady), ZERO) / len(steady)
    weekdays, freedom = [level for _ in Day], len(costs) - 1
    if len(costs) >= MIN_SHAPED_DAYS:
        for weekday in Day:
            own = [cost for day, cost in steady if day.weekday() == weekday]
            weekdays[weekday] = (sum(own, ZERO) + level) / (len(own) + 1)
        drift = level - sum((weekdays[day.weekday()] for day, _ in costs), ZERO) / len(costs)
        weekdays, freedom = [cost + drift for cost in weekdays], freedom - 6
    weekdays = [max(cost, ZERO) for cost in weekdays]
    squares = sum(((cost - weekdays[day.weekday()]) ** 2 for day, cost in costs), ZERO)
    return _Pattern(tuple(weekdays), squares / freedom, len(costs), freedom)


def _steady(costs: Sequence[tuple[date, Decimal]]) -> list[tuple[date, Decimal]]:
    """The highest and the lowest cost replaced by the ones next to them (winsorised by one)."""
    ordered = sorted(cost for _, cost in costs)
    return [(day, min(max(cost, ordered[1]), ordered[-2])) for day, cost in costs]


def _bands(
    pattern: _Pattern, spent: Decimal, days: Sequence[tuple[date, Decimal]], currency: str
) -> tuple[Band, ...]:
    """A band for the end of each of `days`, (day, part of it that is left)."""
    z80, z95 = ((z + (z**3 + z) / (4 * pattern.freedom)) for z in (_Z80, _Z95))
    middle, ahead, bands = spent, ZERO, []
    for day, part in days:
        middle += pattern.by_weekday[day.weekday()] * part
        ahead += part
        deviation = (pattern.variance * (ahead + ahead**2 / pattern.days)).sqrt()
        levels = (middle - z95 * deviation, middle - z80 * deviation, middle)
        lows = [round_money(max(level, spent), currency) for level in levels]
        highs = [round_money(middle + z * deviation, currency) for z in (z80, z95)]
        bands.append(Band(day, *lows, *highs))
    return tuple(bands)
