"""Usage counted the slow way: every event of an account in plain Python, no day totals, no SQL sums."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from accounts.models import Account
from billing.plans.models import Meter
from billing.usage.queries import EventDetail, events_page
from billing.usage.values import number_of, text_of

MICROSECOND = timedelta(microseconds=1)


def all_events(account: Account) -> list[EventDetail]:
    """In time order, then arrival."""
    found, after = list[EventDetail](), None
    while True:
        page = events_page(account, after=after, limit=200)
        found += page.events
        after = page.next
        if after is None:
            return found[::-1]


def quantity(  # noqa: PLR0917
    events: Sequence[EventDetail],
    meter: Meter,
    where: Mapping[str, Sequence[str]],
    start: datetime,
    cut: datetime,
    full: tuple[datetime, datetime],
) -> Fraction:
    matching = [
        event
        for event in events
        if event.type == meter.event_type
        and not event.voided
        and event.time < cut
        and all(text_of(event.data.get(name)) in values for name, values in where.items())
    ]
    inside = [event for event in matching if event.time >= start]
    values = [value for event in inside if (value := number_of(event.data.get(meter.value))) is not None]
    match meter.aggregation:
        case "count":
            return Fraction(len(inside))
        case "sum":
            return sum((Fraction(value) for value in values), Fraction(0))
        case "max":
            return Fraction(max(values, default=Decimal(0)))
        case "latest":
            return Fraction(values[-1] if values else 0)
        case "unique":
            return Fraction(len({text_of(event.data.get(meter.value)) for event in inside} - {None, ""}))
    held, length = Fraction(0), (full[1] - full[0]) // MICROSECOND
    series = dict[tuple[str | None, ...], list[EventDetail]]()
    for event in matching:
        if number_of(event.data.get(meter.value)) is not None:
            series.setdefault(tuple(text_of(event.data.get(name)) for name in meter.dimensions), []).append(
                event
            )
    for steps in series.values():
        for event, following in zip(steps, [*steps[1:], None], strict=True):
            begin = max(event.time, start)
            end = max(following.time if following else cut, start)
            level = number_of(event.data.get(meter.value)) or Decimal(0)
            held += Fraction(level) * ((end - begin) // MICROSECOND)
    return held / length
