"""What usage will have cost by the end of the period: a cautious sum of days.

The last four weeks of complete days give a level (their mean, in which the highest and the lowest day count
no more than the ones next to them, so that one odd day does not lead). From two weeks on they also give the shape of
the week (each weekday's mean against the level, drawn halfway to it while there is little of it: weekdays.py), growth
or fall where it stands out of the scatter, and whether days that miss are followed by others that do. What is left of
today (hours.py says how much) and every day after it is expected to cost what all that says. The bands come from the
scatter of the same days around that expectation, counting both the scatter to come and what is uncertain about level,
growth and the rest of today, widened for few days as Student's t is. Everything is deterministic, and nothing spent is
ever forecast away. How often the bands hold is measured in docs/forecast.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Final

from billing.pricing.dates import DAY
from billing.pricing.money import PRECISION, ZERO, round_money
from billing.pricing.weekdays import MIN_SHAPED_DAYS, scatter, steady, usual

WINDOW_DAYS: Final = 28
MIN_DAYS: Final = 3
"""Complete days that a forecast needs."""
MAX_CONFIDENT_WIDTH: Final = Decimal("0.5")
"""high - low of a confident forecast, as a part of what is expected."""

DOUBT: Final = Decimal(3)
"""How many times its variance the square of a slope must be before any of it is believed."""
GROWS_FOR: Final = 14
"""Days that growth goes on for; then it stays as it is."""
MAX_ECHO: Final = Decimal("0.8")

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
    """Expected cost by weekday (Monday is 0) in the middle of the `days` it comes from, and how it goes on from there.

    `growth`: by what part of itself a weekday's cost rises each day; `growth_variance`: how unsure that is. `variance`:
    a day's scatter around all that; `freedom`: what it comes from. `echo`: how much of a day's miss the next day has
    again, 0 to below 1; `miss`: by how much the last day missed.
    """

    by_weekday: tuple[Decimal, ...]
    variance: Decimal
    days: int
    freedom: int
    growth: Decimal = ZERO
    growth_variance: Decimal = ZERO
    echo: Decimal = ZERO
    miss: Decimal = ZERO


def forecast(
    history: Iterable[tuple[date, Decimal]],
    *,
    spent: Decimal,
    today: date,
    today_fraction: Decimal | Fraction,
    today_variance: Decimal = ZERO,
    end_day: date,
    currency: str,
) -> Forecast | None:
    """The forecast of a period that ends before `end_day`, or None while there are not enough days.

    `history`: usage cost by complete local day, of this period and earlier ones, in any order; days between
    the first and today that are missing cost nothing, today and later are ignored. `spent`: this period's
    usage so far, today included. `today_fraction`: how much of today's cost has mostly come by now, 0 to 1, and
    `today_variance` how unsure that is. Answers in minor units. ValueError if today is not before `end_day`, or for a
    fraction outside 0 to 1.
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
        bands = _bands(_pattern(costs), spent, [(today, rest), *after], today_variance, currency)
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
    even = steady(costs)
    weekdays = usual(even)
    if len(costs) < MIN_SHAPED_DAYS:
        return _Pattern(weekdays, scatter(costs, weekdays), len(costs), len(costs) - 1)
    return _growing(costs, even, weekdays)


def _growing(
    costs: Sequence[tuple[date, Decimal]],
    even: Sequence[tuple[date, Decimal]],
    weekdays: tuple[Decimal, ...],
) -> _Pattern:
    """The pattern with its growth, as far as the days bear it out, and with the echo of its misses.

    The slope of the misses is kept in part, the less of it the less it stands out of its standard error (an empirical
    Bayes estimate: James and Stein's positive part). What is not believed still widens the bands.
    """
    centre = Decimal(len(costs) - 1) / 2
    moved = [(n - centre) * weekdays[day.weekday()] for n, (day, _) in enumerate(costs)]
    raw = [cost - weekdays[day.weekday()] for day, cost in costs]
    misses = [cost - weekdays[day.weekday()] for day, cost in even]
    spread = sum((one * one for one in moved), ZERO)
    slope = _product(moved, misses) / spread if spread else ZERO
    unsure = _squares(raw, moved, slope) / (len(costs) - 8) / spread if spread else ZERO
    doubt = unsure / slope**2 if slope else Decimal(1)
    likely, believed = max(ZERO, 1 - doubt) * slope, max(ZERO, 1 - DOUBT * doubt) * slope
    freedom = len(costs) - (8 if believed else 7)
    left = [miss - believed * one for miss, one in zip(misses, moved, strict=True)]
    return _Pattern(
        by_weekday=weekdays,
        variance=_squares(raw, moved, believed) / freedom,
        days=len(costs),
        freedom=freedom,
        growth=believed,
        growth_variance=max(ZERO, 1 - doubt) * unsure + (likely - believed) ** 2,
        echo=_echo(left),
        miss=left[-1],
    )


def _product(some: Sequence[Decimal], others: Sequence[Decimal]) -> Decimal:
    return sum((one * other for one, other in zip(some, others, strict=True)), ZERO)


def _squares(misses: Sequence[Decimal], moved: Sequence[Decimal], slope: Decimal) -> Decimal:
    """The squares of what a slope leaves of the misses."""
    return sum(((miss - slope * one) ** 2 for miss, one in zip(misses, moved, strict=True)), ZERO)


def _echo(misses: Sequence[Decimal]) -> Decimal:
    """The correlation of a day's miss with the next one's, without what so few days may have of it by chance."""
    squares = _product(misses, misses)
    if not squares:
        return ZERO
    found = _product(misses[:-1], misses[1:]) / squares
    # Twice its standard error by chance, 1/√n: less than that is taken for none.
    return min(found, MAX_ECHO) if found > 0 and found**2 * len(misses) > 4 else ZERO


def _bands(
    pattern: _Pattern,
    spent: Decimal,
    days: Sequence[tuple[date, Decimal]],
    today_variance: Decimal,
    currency: str,
) -> tuple[Band, ...]:
    """A band for the end of each of `days`, (day, part of it that is left); today is the first."""
    z80, z95 = ((z + (z**3 + z) / (4 * pattern.freedom)) for z in (_Z80, _Z95))
    middle, bands = spent, list[Band]()
    ahead, moved, spread, echoed, weight, unsure = ZERO, ZERO, ZERO, Decimal(1), ZERO, ZERO
    centre = Decimal(pattern.days - 1) / 2
    keeps = 1 - pattern.echo
    for number, (day, part) in enumerate(days):
        expected, place = pattern.by_weekday[day.weekday()], pattern.days + min(number, GROWS_FOR) - centre
        echoed *= pattern.echo
        cost = max(expected * (1 + pattern.growth * place) + pattern.miss * echoed, ZERO)
        middle += cost * part
        if number == 0:
            unsure = cost**2 * today_variance
        weight = weight * pattern.echo + 1
        ahead += part
        moved += expected * place * part
        spread += part * weight**2 * (1 - pattern.echo**2)
        level = ahead**2 / pattern.days * (1 + pattern.echo) / keeps
        variance = pattern.variance * (spread + level) + pattern.growth_variance * moved**2 + unsure
        deviation = variance.sqrt()
        levels = (middle - z95 * deviation, middle - z80 * deviation, middle)
        lows = [round_money(max(one, spent), currency) for one in levels]
        highs = [round_money(middle + z * deviation, currency) for z in (z80, z95)]
        bands.append(Band(day, *lows, *highs))
    return tuple(bands)
