"""The forecast replayed over days that are known: `python -m tests.pricing.backtest`; figures in docs/forecast.md.

A series of daily costs is cut at several days of a period: what was known by then is forecast from, and compared with
what the period came to. Also by a naive straight line: spent, over the part of the period that has passed.
"""

import csv
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from billing.pricing.forecast import forecast
from billing.pricing.hours import Passed
from billing.pricing.money import ZERO

FIRST: Final = date(2026, 6, 1)
PERIOD: Final = 30
CENT: Final = Decimal("0.01")
CUTS: Final = (3, 5, 8, 12, 16, 20, 25, 28)
"""Days of the period that are complete when it is forecast; half of the next one has passed as well."""
SEEDS: Final = 150
TRACE: Final = Path(__file__).resolve().parents[3] / "shared" / "data" / "llm_requests.csv"

type Days = Sequence[float]


@dataclass(frozen=True)
class Replay:
    """One cut: the outcome, where it was expected, whether it lies in the bands, and the straight line's figure."""

    actual: float
    expected: float
    naive: float
    in80: bool
    in95: bool


@dataclass(frozen=True)
class Report:
    """`error` and `naive`: the mean of |figure − outcome| over outcomes. Shares are of one."""

    name: str
    count: int
    in80: float
    in95: float
    error: float
    naive: float

    @property
    def row(self) -> str:
        shares = f"{self.in80:.0%} | {self.in95:.0%} | {self.error:.1%} | {self.naive:.1%}"
        return f"| {self.name} | {self.count} | {shares} |"


def replays(days: Days, begins: int, day_share: float = 0.5) -> Iterator[Replay]:
    """The cuts of the period that begins on day `begins`; the days before it are known too."""
    known = dated(days)
    if not sum(cost for _, cost in known[begins : begins + PERIOD]):
        return
    for cut in CUTS:
        so_far = (known[begins + cut][1] * Decimal(str(day_share))).quantize(CENT)
        found = replay(
            known, begins, cut, spent=so_far, passed=Passed(Decimal(str(day_share))), clock=day_share
        )
        if found is not None:
            yield found


def replay(
    known: Sequence[tuple[date, Decimal]],
    begins: int,
    cut: int,
    *,
    spent: Decimal,
    passed: Passed,
    clock: float,
) -> Replay | None:
    """The forecast on day `cut` of the period that begins on day `begins`; None where there is none.

    Of that day `spent` is spent by now, `clock` of it has passed by the clock, and its cost is taken to be as `passed`
    says.
    """
    period = [cost for _, cost in known[begins : begins + PERIOD]]
    actual, spent = sum(period, ZERO), sum(period[:cut], spent)
    found = forecast(
        known[: begins + cut],
        spent=spent,
        today=known[begins + cut][0],
        today_fraction=passed.share,
        today_variance=passed.variance,
        end_day=known[begins][0] + timedelta(days=PERIOD),
        currency="EUR",
    )
    if found is None:
        return None
    last = found.bands[-1]
    return Replay(
        float(actual),
        float(found.expected),
        float(spent / Decimal(cut + clock) * PERIOD),
        found.low <= actual <= found.high,
        last.low95 <= actual <= last.high95,
    )


def dated(days: Days, later: int = 0) -> list[tuple[date, Decimal]]:
    """Daily costs in cents, from `later` days after `FIRST` on."""
    return [(FIRST + timedelta(days=n), Decimal(f"{cost:.2f}")) for n, cost in enumerate(days, later)]


def report(name: str, found: Sequence[Replay]) -> Report:
    def mean(values: Sequence[float]) -> float:
        return sum(values) / len(values)

    return Report(
        name,
        len(found),
        mean([one.in80 for one in found]),
        mean([one.in95 for one in found]),
        mean([abs(one.expected - one.actual) / one.actual for one in found]),
        mean([abs(one.naive - one.actual) / one.actual for one in found]),
    )


def _week(day: int) -> float:
    """An office's week: quiet on Saturday and Sunday."""
    return 0.25 if (FIRST + timedelta(days=day)).weekday() >= 5 else 1.0


def steady(chance: random.Random, day: int) -> float:
    return 20 * chance.lognormvariate(0, 0.15)


def office(chance: random.Random, day: int) -> float:
    return 20 * _week(day) * chance.lognormvariate(0, 0.2)


def closed_weekends(chance: random.Random, day: int) -> float:
    return 0.0 if _week(day) < 1 else 30 * chance.lognormvariate(0, 0.25)


def growing(chance: random.Random, day: int) -> float:
    return 10 * 1.01**day * _week(day) * chance.lognormvariate(0, 0.15)


def shrinking(chance: random.Random, day: int) -> float:
    return 40 * 0.985**day * chance.lognormvariate(0, 0.15)


def bursts(chance: random.Random, day: int) -> float:
    """Batch jobs now and then, several times a usual day."""
    return 8 * chance.lognormvariate(0, 0.3) * (chance.uniform(3, 8) if chance.random() < 0.1 else 1)


def sparse(chance: random.Random, day: int) -> float:
    return 15 * chance.lognormvariate(0, 0.5) if chance.random() < 0.3 else 0.0


def wild(chance: random.Random, day: int) -> float:
    return 10 * chance.lognormvariate(0, 0.9)


def step(chance: random.Random, day: int) -> float:
    """A customer of one's own is won in the middle of the period: twice as much from then on."""
    return 20 * (2 if day >= 75 else 1) * chance.lognormvariate(0, 0.15)


SHAPES: Final[dict[str, Callable[[random.Random, int], float]]] = {
    "steady": steady,
    "office week": office,
    "closed weekends": closed_weekends,
    "growing 1 % a day": growing,
    "shrinking 1.5 % a day": shrinking,
    "bursts": bursts,
    "sparse": sparse,
    "wild": wild,
    "doubled on day 15": step,
}


def synthetic(name: str, begins: int = 60, seeds: int = SEEDS) -> Report:
    """A shape over `seeds` accounts; `begins`: days that are known before the period. 0: a new account."""
    shape, found = SHAPES[name], list[Replay]()
    for seed in range(seeds):
        chance = random.Random(f"{name} {seed}")
        found += replays([shape(chance, day + 60 - begins) for day in range(begins + PERIOD)], begins)
    return report(name if begins else f"{name}, new account", found)


def trace(path: Path = TRACE) -> Report:
    """Real requests of one hour, a minute of theirs as a day: their own scatter, without weeks."""
    minutes: dict[int, float] = {}
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    first = datetime.fromisoformat(rows[0]["TIMESTAMP"][:26])
    for row in rows:
        at = int((datetime.fromisoformat(row["TIMESTAMP"][:26]) - first).total_seconds() // 60)
        cost = int(row["ContextTokens"]) * 2.5e-6 + int(row["GeneratedTokens"]) * 1e-5
        minutes[at] = minutes.get(at, 0.0) + cost * 10
    whole = [minutes.get(at, 0.0) for at in range(max(minutes))]
    found = [one for begins in range(len(whole) - PERIOD + 1) for one in replays(whole, begins)]
    return report("real requests, a minute as a day", found)


def main() -> None:
    print(
        "| shape | forecasts | in the 80 % band | in the 95 % band | error of the expected | of a straight line |"
    )
    print("|---|---|---|---|---|---|")
    for name in SHAPES:
        print(synthetic(name).row)
    for name in ("steady", "office week", "wild"):
        print(synthetic(name, begins=0).row)
    if TRACE.is_file():
        print(trace().row)
    else:
        print("The real requests are not beside the project: left out.", file=sys.stderr)


if __name__ == "__main__":
    main()
