"""What an account used and a plan does not price: named, so that it is never taken for free."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from accounts.models import Account
from billing.plans.models import Meter
from billing.pricing.charges import Plan
from billing.pricing.money import ZERO, exact
from billing.usage.days import microseconds
from billing.usage.reading.additive import sums
from billing.usage.reading.levels import steps_statement
from billing.usage.reading.measures import Measure, Window, meters_by_code
from billing.usage.reading.special import rows_together

type Filter = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A meter whose usage the plan does not price; `partly`: it prices some of it, by filters that others miss.

    `name` is language -> text.
    """

    meter: str
    name: Mapping[str, str] = field(hash=False)
    partly: bool


def unpriced_meters(
    account: Account, plans: Sequence[Plan], start: datetime, end: datetime
) -> list[tuple[Unpriced, ...]]:
    """For each plan the meters with usage in [start, end) that none of its charges, or not all of it, prices.

    Usage is an event that the meter counts; of a `time_weighted` meter, a level above zero that was held.
    """
    meters = meters_by_code()
    wanted: dict[tuple[str, Filter], Measure] = {
        (code, ()): Measure(meter, {}) for code, meter in meters.items()
    }
    for plan in plans:
        for charge in plan.charges:
            if charge.meter in meters:
                wanted[charge.meter, _filter(charge.where)] = Measure(meters[charge.meter], charge.where)
    used = _used(Window(account, start, (end,)), wanted)
    return [tuple(_lacking(plan, meters, used)) for plan in plans]


def _lacking(
    plan: Plan, meters: Mapping[str, Meter], used: Mapping[tuple[str, Filter], Decimal]
) -> Iterator[Unpriced]:
    """Filters on one meter exclude each other, so what the charges price of it is their sum."""
    for code, meter in meters.items():
        filters = {_filter(charge.where) for charge in plan.charges if charge.meter == code}
        with exact():
            priced = sum((used[code, each] for each in filters), ZERO)
        if priced != used[code, ()]:
            yield Unpriced(code, meter.name, partly=bool(priced))


def _used(window: Window, wanted: Mapping[tuple[str, Filter], Measure]) -> dict[tuple[str, Filter], Decimal]:
    """How much of each measure there is in the window: events, or levels held."""
    keys = list(wanted)
    used = dict.fromkeys(keys, ZERO)
    for row in sums(window, list(wanted.values())):
        used[keys[row.measure]] = Decimal(row.events)
    held = [key for key, measure in wanted.items() if measure.meter.aggregation == "time_weighted"]
    steps = rows_together([steps_statement(window, wanted[key]) for key in held])
    return used | {key: _held(window, of) for key, of in zip(held, steps, strict=True)}


@exact()
def _held(window: Window, steps: Sequence[tuple[int, str, Decimal, Decimal]]) -> Decimal:
    """Σ level × microseconds up to the window's end."""
    return sum((step * microseconds(window.end) - moved for _, _, step, moved in steps), ZERO)


def _filter(where: Mapping[str, Sequence[str]]) -> Filter:
    return tuple(sorted((name, tuple(values)) for name, values in where.items()))
