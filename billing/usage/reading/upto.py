"""`usage_upto`: the usage of charges from a period's start up to each of some instants."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Final

from accounts.models import Account
from billing.plans.models import Meter
from billing.pricing.charges import Charge, Usage
from billing.pricing.lines import EXACT_PLACES
from billing.pricing.money import ZERO, exact, round_fraction_places
from billing.usage.days import microseconds
from billing.usage.reading.additive import sums
from billing.usage.reading.measures import Measure, Window
from billing.usage.reading.special import amounts, distinct, latest, level_steps

ADDITIVE: Final = ("count", "sum", "max")

type Course = list[Decimal]
"""A quantity at each cut."""


@exact()
def usage_upto(  # noqa: PLR0917
    account: Account,
    period_start: datetime,
    cuts: Sequence[datetime],
    charges: Iterable[Charge],
    full_start: datetime,
    full_end: datetime,
    levels_until: datetime | None = None,
) -> dict[datetime, dict[str, Usage]]:
    """For each cut, the usage by charge code of the events in [period_start, cut).

    A level that is still held counts up to its cut, or only to `levels_until`: what is to come is not used yet.

    Quantities are in the meter's unit and exact; only levels over time, which are divided by the microseconds of the
    full period [full_start, full_end), are rounded, to 12 decimals. Whole local days come from the day totals: a cut
    at midnight, or at an instant that no event lies after, reads no more than the days.
    """
    charges = list(charges)
    instants = sorted({cut for cut in cuts if cut > period_start})
    result: dict[datetime, dict[str, Usage]] = {cut: {} for cut in cuts}
    if not instants or not charges:
        return result
    window = Window(account, period_start, tuple(instants))
    codes = {charge.meter for charge in charges}
    meters = {
        meter.code: meter for meter in Meter.objects.select_related("rollup_shape").filter(code__in=codes)
    }
    measures = [Measure(meters[charge.meter], charge.where) for charge in charges]
    courses = _additive_courses(window, measures)
    for n, (charge, measure) in enumerate(zip(charges, measures, strict=True)):
        course = courses.get(n) or _special_course(window, measure, full_start, full_end, levels_until)
        singles = _amounts(window, measure) if charge.model == "percentage" else [()] * len(instants)
        for cut, quantity, single in zip(instants, course, singles, strict=True):
            result[cut][charge.code] = Usage(quantity, single)
    return result


def _additive_courses(window: Window, measures: list[Measure]) -> dict[int, Course]:
    chosen = [n for n, measure in enumerate(measures) if measure.meter.aggregation in ADDITIVE]
    found = defaultdict[int, dict[int, Decimal]](dict)
    for row in sums(window, [measures[n] for n in chosen]):
        n = chosen[row.measure]
        kind = measures[n].meter.aggregation
        by_kind = {"count": Decimal(row.events), "sum": row.total, "max": row.maximum}
        value = by_kind[kind]
        if value is not None:
            found[n][row.bucket] = value
    return {
        n: _run(window, found[n], max if measures[n].meter.aggregation == "max" else _add) for n in chosen
    }


def _run(window: Window, buckets: dict[int, Decimal], join: Callable[[Decimal, Decimal], Decimal]) -> Course:
    """Buckets to running values; nothing yet is zero, also before a negative maximum."""
    course, running = [], None
    for n in range(len(window.cuts)):
        if n in buckets:
            running = buckets[n] if running is None else join(running, buckets[n])
        course.append(ZERO if running is None else running)
    return course


def _add(one: Decimal, other: Decimal) -> Decimal:
    return one + other


def _last(one: Decimal, other: Decimal) -> Decimal:
    return other


def _special_course(
    window: Window, measure: Measure, full_start: datetime, full_end: datetime, levels_until: datetime | None
) -> Course:
    kind = measure.meter.aggregation
    if kind == "unique":
        return _run(window, {bucket: count for bucket, _, count in distinct(window, measure)}, _add)
    if kind == "latest":
        return _run(window, {bucket: value for bucket, _, value in latest(window, measure)}, _last)
    length = microseconds(full_end) - microseconds(full_start)
    rose = {bucket: (step, moved) for bucket, _, step, moved in level_steps(window, measure)}
    level, moved, course = ZERO, ZERO, []
    for n, cut in enumerate(window.cuts):
        step, moment = rose.get(n, (ZERO, ZERO))
        level, moved = level + step, moved + moment
        held = level * microseconds(min(cut, levels_until or cut)) - moved
        course.append(round_fraction_places(Fraction(held) / length, EXACT_PLACES))
    return course


def _amounts(window: Window, measure: Measure) -> list[tuple[Decimal, ...]]:
    """The amounts up to each cut."""
    found = amounts(window, measure)
    counts = [0] * len(window.cuts)
    for bucket, _ in found:
        counts[bucket] += 1
    values = tuple(amount for _, amount in found)
    return [values[:count] for count in accumulate(counts)]
