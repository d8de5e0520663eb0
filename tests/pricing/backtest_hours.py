"""The forecast at several hours of a day: `python -m tests.pricing.backtest_hours`; figures in docs/forecast.md.

Seeded accounts whose days have hours: at 3:00, 9:00, 15:00 and 21:00 of several days of a period what was known by then
is forecast from, once with what is left of today by the clock alone and once by the hours of the days before. Errors
are medians of |expected − outcome| over the outcome.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from statistics import median
from typing import Any, Final

from billing.pricing.forecast import WINDOW_DAYS
from billing.pricing.hours import Passed, passed
from tests.pricing.backtest import CENT, PERIOD, Replay, closed_weekends, dated, office, replay, steady

CLOCKS: Final = (3, 9, 15, 21)
CUTS: Final = (8, 16, 22, 27, 29)
"""Complete days of the period; on the last one only what is left of today is unknown."""
SEEDS: Final = 100
MILLION: Final = 1_000_000

type Hours = Callable[[random.Random, bool], list[float]]
"""How a day's cost lies on its 24 hours, by whether it is a weekend's."""


def office_hours(chance: random.Random, weekend: bool) -> list[float]:
    """Nearly all between 8 and 19; at weekends as much at any hour."""
    usual = [1.0 if weekend or 8 <= hour < 19 else 0.03 for hour in range(24)]
    return [one * chance.gammavariate(4, 0.25) for one in usual]


def night_jobs(chance: random.Random, weekend: bool) -> list[float]:
    """Nine tenths in the two hours after 1:00, now and then an hour or two late."""
    begins = 1 + chance.choice((0, 0, 0, 1, 2))
    return [
        (11 if begins <= hour < begins + 2 else 0.11) * chance.gammavariate(4, 0.25) for hour in range(24)
    ]


def any_hour(chance: random.Random, weekend: bool) -> list[float]:
    return [chance.gammavariate(4, 0.25) for _ in range(24)]


def erratic(chance: random.Random, weekend: bool) -> list[float]:
    """Each day in one hour of its own."""
    at = chance.randrange(24)
    return [1.0 if hour == at else 0.0 for hour in range(24)]


ACCOUNTS: Final = {
    "office hours": (office, office_hours),
    "office hours, closed weekends": (closed_weekends, office_hours),
    "night jobs": (steady, night_jobs),
    "any hour": (steady, any_hour),
    "one hour of chance": (steady, erratic),
}


@dataclass(frozen=True)
class Measured:
    """Of one hour: forecasts, shares in the bands, and medians of the error; `clock` is without hours."""

    count: int
    in80: float
    in95: float
    error: float
    clock_in80: float
    clock_in95: float
    clock_error: float


def at_hours(
    name: str, clock: int, *, begins: int = 60, seeds: int = SEEDS, cuts: Sequence[int] = CUTS
) -> Measured:
    """`ACCOUNTS[name]` at `clock` o'clock of the cut days; `begins`: days that are known before the period.

    Periods begin on each weekday in turn, so that no cut is always a weekend's.
    """
    pairs = [
        pair
        for seed in range(seeds)
        for pair in _account(random.Random(f"{name} {seed}"), *ACCOUNTS[name], clock, begins, cuts, seed % 7)
    ]
    ours, plain = [one for one, _ in pairs], [other for _, other in pairs]
    return Measured(len(pairs), *_figures(ours), *_figures(plain))


def _account(  # noqa: PLR0917
    chance: random.Random,
    cost_of: Callable[[random.Random, int], float],
    hours_of: Hours,
    clock: int,
    begins: int,
    cuts: Sequence[int],
    later: int,
) -> Iterator[tuple[Replay, Replay]]:
    """Each cut by hours and by the clock, of an account whose days are those `later` days on."""
    known = dated([cost_of(chance, day) for day in range(later, later + begins + PERIOD)], later)
    lived = [(day, _parts(hours_of(chance, day.weekday() >= 5)) if cost else []) for day, cost in known]
    for today in (begins + cut for cut in cuts):
        day, parts = lived[today]
        spent = (known[today][1] * sum(parts[:clock]) / (sum(parts) or 1)).quantize(CENT)
        at = datetime.combine(day, time(clock), UTC)
        by_hours = passed(lived[max(0, today - WINDOW_DAYS) : today], day, at, "UTC")
        found = [
            replay(known, begins, today - begins, spent=spent, passed=how, clock=clock / 24)
            for how in (by_hours, Passed(Decimal(clock) / 24))
        ]
        if found[0] is not None and found[1] is not None:
            yield found[0], found[1]


def _parts(weights: Sequence[float]) -> list[int]:
    """Weights of hours in millionths of the day."""
    return [round(MILLION * weight / sum(weights)) for weight in weights]


def _figures(found: Sequence[Replay]) -> tuple[float, float, float]:
    count = len(found)
    errors = [abs(one.expected - one.actual) / one.actual for one in found]
    return sum(one.in80 for one in found) / count, sum(one.in95 for one in found) / count, median(errors)


def main() -> None:
    print("| usage | at | forecasts | in 80 % | in 95 % | error | by the clock: in 80 % | in 95 % | error |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in ACCOUNTS:
        _rows(name, name)
    for name in ("office hours", "night jobs"):
        _rows(f"{name}, last day", name, cuts=CUTS[-1:])
    _rows("office hours, new account", "office hours", begins=0)


def _rows(title: str, name: str, **how: Any) -> None:
    for clock in CLOCKS:
        print(f"| {title} | {clock}:00 | {_cells(at_hours(name, clock, **how))} |", flush=True)


def _cells(one: Measured) -> str:
    ours = f"{one.count} | {one.in80:.0%} | {one.in95:.0%} | {one.error:.2%}"
    return f"{ours} | {one.clock_in80:.0%} | {one.clock_in95:.0%} | {one.clock_error:.2%}"


if __name__ == "__main__":
    main()
