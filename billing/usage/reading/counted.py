"""What an event is worth to each meter that listens to it."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from billing.plans.models import Meter
from billing.usage.reading.pages import EventDetail
from billing.usage.values import READERS, text_of


def counted_for(event: EventDetail, meters: Iterable[Meter]) -> list[tuple[Meter, Decimal | str]]:
    """The meters that count the event, each with its quantity, or with the value that it tells apart (`unique`).

    A voided event counts for none, and one without a usable property for none that needs it.
    """
    if event.voided:
        return []
    found = list[tuple[Meter, Decimal | str]]()
    for meter in meters:
        if meter.event_type != event.type:
            continue
        value = event.data.get(meter.value)
        quantity = READERS[meter.aggregation](value)
        if quantity is not None:
            found.append((meter, text_of(value) or "" if meter.aggregation == "unique" else quantity))
    return found


def is_matched(event: EventDetail, where: Mapping[str, Sequence[str]]) -> bool:
    """Whether the event matches a charge's filter: as `usage_matches` says in SQL."""
    return all(text_of(event.data.get(name)) in accepted for name, accepted in where.items())
