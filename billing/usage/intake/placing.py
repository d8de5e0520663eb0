"""Where an event belongs: a service period that still takes it, or quarantine; and what it adds to which day."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings

from billing.usage.intake.context import MAX_AHEAD, MeterShape, Place
from billing.usage.models import QuarantinedEvent
from billing.usage.values import text_of

Reason = QuarantinedEvent.Reason

type Share = tuple[MeterShape, Decimal, tuple[str | None, ...]]
"""What an event adds to a meter, and by which dimension values."""


def why_not(place: Place, time: datetime, arrival: datetime) -> Reason | None:
    """Why an event at `time` cannot be counted, None if it can (contract, section 4)."""
    for start, end, closed in reversed(place.periods):
        if start <= time < end:
            late = closed and arrival - time > timedelta(days=settings.LATE_DAYS)
            return Reason.TOO_LATE if late else None
    if place.running_to is not None and place.running_to <= time <= arrival + MAX_AHEAD:
        return None  # a few minutes ahead, in the next period, which is stored when it begins
    return Reason.NO_PERIOD


def shares(meters: list[MeterShape], data: dict[str, Any]) -> list[Share]:
    """What an event's data is worth to each meter of its type; meters that lack their property are left out."""
    found = list[Share]()
    for meter in meters:
        amount = meter.read(data.get(meter.value))
        if amount is not None:
            found.append((meter, amount, _values(meter.dimensions, data) if meter.dimensions else ()))
    return found


def unusable(meters: list[MeterShape], found: list[Share], data: dict[str, Any]) -> list[str]:
    """The properties for which an event is refused: no meter can read its own; empty: the event is good.

    Meters that lack their property skip the event. One that only counts takes it as it is, but not where the
    quantity for another meter was sent and cannot be read: it would be lost without a word.
    """
    for meter, _, _ in found:
        if meter.aggregation != "count":
            return []
    wanted = {meter.value for meter in meters if meter.aggregation != "count"}
    sent = {name for name in wanted if data.get(name) is not None}
    return [f"data.{name}" for name in sorted(sent if found else wanted)]


def _values(names: tuple[str, ...], data: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple([value if type(value := data.get(name)) is str else text_of(value) for name in names])
