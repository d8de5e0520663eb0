"""`usage_upto`: the usage of charges from a period's start up to each of some instants."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from billing.usage.reading.additive import Sums, sums_of
from billing.usage.reading.levels import latest_statement, steps_statement
from billing.usage.reading.measures import Measure, Window, meters_by_code
from billing.usage.reading.special import Statement, amounts, distinct_statement, rows_together

ADDITIVE: Final = ("count", "sum", "max")

type Key = tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]
"""A meter's code and a filter."""

type Course = list[Decimal]
"""A quantity at each cut."""


@dataclass(frozen=True, slots=True)
class Question:
    """Of an account: the usage of `charges` from `start` up to each of `cuts`, `full` being the uncut billing period.

    A level that is still held counts up to its cut, or only to `levels_until`: what is to come is not used yet. With
    `arrived_by` only what was stored by then counts.
    """

    account: Account
    start: datetime
    cuts: Sequence[datetime]
    charges: Sequence[Charge]
    full: tuple[datetime, datetime]
    levels_until: datetime | None = None
    arrived_by: datetime | None = None

    @property
    def window(self) -> Window | None:
        """What is to be read; None if nothing is."""
        instants = tuple(sorted({cut for cut in self.cuts if cut > self.start}))
        return (
            Window(self.account, self.start, instants, self.arrived_by) if instants and self.charges else None
        )


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

    Quantities are in the meter's unit and exact; only levels over time, which are divided by the microseconds of the
    full period, are rounded, to 12 decimals. Whole local days come from the day totals: a cut at midnight, or at an
    instant that no event lies after, reads no more than the days. Charges of several plans may be asked for together,
    by codes of the caller's: what they share is read once.
    """
    full = full_start, full_end
    return usages_upto(
        [Question(account, period_start, cuts, tuple(charges), full, levels_until, arrived_by)]
    )[0]


@exact()
def usages_upto(questions: Sequence[Question]) -> list[dict[datetime, dict[str, Usage]]]:
    """`usage_upto` for several questions, read in one round trip for sums and one for what does not add up."""
    windows = [question.window for question in questions]
    asked = [
        (question, window, _measures(question.charges))
        for question, window in zip(questions, windows, strict=True)
        if window is not None
    ]
    courses = zip(_additive_courses(asked), _special_courses(asked), strict=True)
    answers = (
        _answer(question, window, measures, additive | special)
        for (question, window, measures), (additive, special) in zip(asked, courses, strict=True)
    )
    return [
        {cut: {} for cut in question.cuts} if window is None else next(answers)
        for question, window in zip(questions, windows, strict=True)
    ]


def _measures(charges: Iterable[Charge]) -> dict[Key, Measure]:
    meters = meters_by_code()
    return {_key(charge): Measure(meters[charge.meter], charge.where) for charge in charges}


def _answer(
    question: Question, window: Window, measures: Mapping[Key, Measure], courses: Mapping[Key, Course]
) -> dict[datetime, dict[str, Usage]]:
    by_event = {_key(charge) for charge in question.charges if charge.model == "percentage"}
    singles = {key: _amounts(window, measures[key]) for key in by_event}
    none = [()] * len(window.cuts)
    result: dict[datetime, dict[str, Usage]] = {cut: {} for cut in question.cuts}
    for charge in question.charges:
        single = singles[_key(charge)] if charge.model == "percentage" else none
        for cut, quantity, amounts_so_far in zip(window.cuts, courses[_key(charge)], single, strict=True):
            result[cut][charge.code] = Usage(quantity, amounts_so_far)
    return result


def _key(charge: Charge) -> Key:
    """Charges with the same key have the same usage, which is read once."""
    return charge.meter, tuple(sorted((name, tuple(values)) for name, values in charge.where.items()))


def _additive_courses(
    asked: Sequence[tuple[Question, Window, Mapping[Key, Measure]]],
) -> list[dict[Key, Course]]:
    """Of each window, the courses of the measures that add up, read in one round trip."""
    chosen = [
        (window, {key: each for key, each in measures.items() if each.meter.aggregation in ADDITIVE})
        for _question, window, measures in asked
    ]
    read = sums_of([(window, list(of.values())) for window, of in chosen])
    return [_courses(window, of, rows) for (window, of), rows in zip(chosen, read, strict=True)]


def _courses(window: Window, measures: Mapping[Key, Measure], rows: Iterable[Sums]) -> dict[Key, Course]:
    keys, found = list(measures), defaultdict[Key, dict[int, Decimal]](dict)
    for row in rows:
        key = keys[row.measure]
        by_kind = {"count": Decimal(row.events), "sum": row.total, "max": row.maximum}
        value = by_kind[measures[key].meter.aggregation]
        if value is not None:
            found[key][row.bucket] = value
    return {
        key: _run(window, found[key], max if measures[key].meter.aggregation == "max" else _add)
        for key in keys
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


def _special_courses(
    asked: Sequence[tuple[Question, Window, Mapping[Key, Measure]]],
) -> list[dict[Key, Course]]:
    """Of each window, the courses of the measures that do not add up, read in one round trip."""
    special = [
        (place, key, measure)
        for place, (_question, _window, measures) in enumerate(asked)
        for key, measure in measures.items()
        if measure.meter.aggregation not in ADDITIVE
    ]
    read = rows_together([_statement(asked[place][1], measure) for place, _key, measure in special])
    found: list[dict[Key, Course]] = [{} for _ in asked]
    for (place, key, measure), rows in zip(special, read, strict=True):
        question, window, _measures = asked[place]
        by_bucket = {bucket: (one, other) for bucket, _grouped, one, other in rows}
        found[place][key] = _special_course(question, window, measure.meter.aggregation, by_bucket)
    return found


def _statement(window: Window, measure: Measure) -> Statement:
    statements = {"unique": distinct_statement, "latest": latest_statement}
    return statements.get(measure.meter.aggregation, steps_statement)(window, measure)


def _special_course(
    question: Question, window: Window, kind: str, rows: Mapping[int, tuple[Decimal, Decimal]]
) -> Course:
    if kind != "time_weighted":
        values = {bucket: value for bucket, (value, _none) in rows.items()}
        return _run(window, values, _add if kind == "unique" else _last)
    full_start, full_end = question.full
    length = microseconds(full_end) - microseconds(full_start)
    level, moved, course = ZERO, ZERO, []
    for n, cut in enumerate(window.cuts):
        step, moment = rows.get(n, (ZERO, ZERO))
        level, moved = level + step, moved + moment
        held = level * microseconds(min(cut, question.levels_until or cut)) - moved
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
