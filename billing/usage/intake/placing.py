"""Where an event belongs: a service period that still takes it, or quarantine; and what it adds to which day."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from billing.usage.intake.context import MAX_AHEAD, MeterShape, Place
from billing.usage.models import QuarantinedEvent
from billing.usage.values import READERS, text_of

Reason = QuarantinedEvent.Reason

type Share = tuple[int, Decimal, tuple[str | None, ...], bool]
"""(meter id, amount, dimension values, whether the amount is a quantity to keep the maximum of)."""


def why_not(place: Place, time: datetime, arrival: datetime) -> Reason | None:
    """Why an event at `time` cannot be counted, None if it can (contract, section 4)."""
    for start, end, closed in place.periods:
        if start <= time < end:
            late = closed and arrival - time > timedelta(days=settings.LATE_DAYS)
            return Reason.TOO_LATE if late else None
    if place.running_to is not None and place.running_to <= time <= arrival + MAX_AHEAD:
        return None  # a few minutes ahead, in the next period, which is stored when it begins
    return Reason.NO_PERIOD


def shares(meters: list[MeterShape], data: dict[str, object]) -> list[Share]:
    """What an event's data is worth to each meter of its type; meters that lack their property are left out."""
    found = []
    for meter in meters:
        amount = READERS[meter.aggregation](data.get(meter.value))
        if amount is not None:
            dimensions = tuple([text_of(data.get(name)) for name in meter.dimensions])
            found.append((meter.meter_id, amount, dimensions, meter.aggregation == "max"))
    return found
