"""How much of a day's cost has mostly come by an hour of it, from the account's own days.

Each earlier day says one share: what it had cost by the hour that it is now, over what it came to. What is usual is
told from these shares as the forecast tells it from costs (weekdays.py). Hours are the clock's: of a day with 23 the
one that is left out has no weight, of a day with 25 the one that comes twice has it twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Context, Decimal, localcontext
from typing import Final
from zoneinfo import ZoneInfo

from billing.pricing.dates import DAY, local_midnight
from billing.pricing.money import PRECISION, ZERO
from billing.pricing.weekdays import scatter, steady, usual

HOURS: Final = 24
MIN_DAYS: Final = 7
"""Days with a cost from which hours are told apart; with fewer a day passes evenly."""

_HOUR: Final = timedelta(hours=1)

type DayHours = tuple[date, Sequence[int]]
"""A day, and what each of its 24 hours by the clock cost, in any unit of its own; no hours: nothing to tell."""


@dataclass(frozen=True, slots=True)
class Passed:
    """The part of a day's cost that has mostly come by now, 0 to 1; `variance`: how unsure that is."""

    share: Decimal
    variance: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour [start, end) of a local day; `clock` is what clocks show as it begins, 0 to 23."""

    start: datetime
    end: datetime
    clock: int


def hours_of(day: date, timezone: str) -> list[Hour]:
    """The hours of a local day from its midnight on, mostly 24; a change by half an hour makes the last one short."""
    start, end = (local_midnight(each, timezone) for each in (day, day + DAY))
    starts = [start + _HOUR * number for number in range(-((start - end) // _HOUR))]
    zone = ZoneInfo(timezone)
    return [Hour(each, min(each + _HOUR, end), each.astimezone(zone).hour) for each in starts]


def passed(history: Iterable[DayHours], today: date, at: datetime, timezone: str) -> Passed:
    """How much of `today` has passed at `at`, by what days before it cost; evenly, if those are too few."""
    hours = hours_of(today, timezone)
    gone, all_day = _seconds(hours, at), _seconds(hours, hours[-1].end)
    with localcontext(Context(PRECISION)):
        shares = [
            (day, Decimal(_cost(costs, gone)) / _cost(costs, all_day))
            for day, costs in sorted(history)
            if day < today and _cost(costs, all_day)
        ]
        if len(shares) < MIN_DAYS:
            return Passed(Decimal(sum(gone)) / sum(all_day))
        weekdays = usual(steady(shares))
        unsure = scatter(shares, weekdays) * (len(shares) + 1) / len(shares)
        return Passed(min(weekdays[today.weekday()], Decimal(1)), unsure)


def _seconds(hours: Sequence[Hour], until: datetime) -> list[int]:
    """How long a day shows each of the clock's 24 hours before `until`."""
    found = [0] * HOURS
    for hour in hours:
        found[hour.clock] += max(min(hour.end, until) - hour.start, timedelta()) // timedelta(seconds=1)
    return found


def _cost(costs: Sequence[int], seconds: Sequence[int]) -> int:
    """What the clock's hours cost in so many seconds of each, in 3600ths; 0 without hours."""
    return sum(cost * length for cost, length in zip(costs, seconds, strict=False))
