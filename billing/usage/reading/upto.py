"""`usage_upto`: the usage of charges from a period's start up to each of some instants."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Final

from accounts.models import Account
from billing.pricing.charges import Charge, Usage
from billing.pricing.lines import EXACT_PLACES
from billing.pricing.money import ZERO, exact, round_fraction_places
from billing.usage.days import microseconds
from billing.usage.reading.additive import sums
from billing.usage.reading.levels import latest, level_steps
from billing.usage.reading.measures import Measure, Window, meters_by_code
from billing.usage.reading.special import amounts, distinct

ADDITIVE: Final = ("count", "sum", "max")

type Key = tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]
"""A meter's code and a filter."""

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
    *,
    arrived_by: datetime | None = None,
) -> dict[datetime, dict[str, Usage]]:
    """For each cut, the usage by charge code of the events in [period_start, cut), or of those that had come by then.

    A level that is still held counts up to its cut, or only to `levels_until`: what is to come is not used yet.

    Quantities are in the meter's unit and exact; only levels over time, which are divided by the microseconds of the
    full period [full_start, full_end), are rounded, to 12 decimals. Whole local days come from the day totals: a cut
    at midnight, or at an instant that no event lies after, reads no more than the days. Charges of several plans may
    be asked for together, by codes of the caller's: what they share is read once.
    """
    charges = list(charges)
    instants = sorted({cut for cut in cuts if cut > period_start})
    result: dict[datetime, dict[str, Usage]] = {cut: {} for cut in cuts}
    if not instants or not charges:
        return result
    window = Window(account, period_start, tuple(instants), arrived_by)
    meters = meters_by_code()
    measures = {_key(charge): Measure(meters[charge.meter], charge.where) for charge in charges}
    courses = _additive_courses(window, measures)
    for key in measures.keys() - courses.keys():
        courses[key] = _special_course(window, measures[key], full_start, full_end, levels_until)
    by_event = {_key(charge) for charge in charges if charge.model == "percentage"}
    singles = {key: _amounts(window, measures[key]) for key in by_event}
    none = [()] * len(instants)
    for charge in charges:
        single = singles[_key(charge)] if charge.model == "percentage" else none
        for cut, quantity, amounts_so_far in zip(instants, courses[_key(charge)], single, strict=True):
            result[cut][charge.code] = Usage(quantity, amounts_so_far)
    return result


def _key(charge: Charge) -> Key:
    """Charges with the same key have the same usage, which is read once."""
    return charge.meter, tuple(sorted((name, tuple(values)) for name, values in charge.where.items()))


def _additive_courses(window: Window, measures: Mapping[Key, Measure]) -> dict[Key, Course]:
    chosen = [key for key, measure in measures.items() if measure.meter.aggregation in ADDITIVE]
    found = defaultdict[Key, dict[int, Decimal]](dict)
    for row in sums(window, [measures[key] for key in chosen]):
        key = chosen[row.measure]
        by_kind = {"count": Decimal(row.events), "sum": row.total, "max": row.maximum}
        value = by_kind[measures[key].meter.aggregation]
        if value is not None:
            found[key][row.bucket] = value
    return {
        key: _run(window, found[key], max if measures[key].meter.aggregation == "max" else _add)
        for key in chosen
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
