"""What day totals are made of: a copy of each meter's words, and the dimensions that they are kept by.

A change happens in two steps. `align_shapes` is short and holds all intake: from then on events are added by the
new shape, and reads that need what old totals lack go to the events. `rebuild` (billing/usage/rebuild.py) fills
the totals in, account by account, and says so in `ready`.
"""

from collections.abc import Iterable
from typing import Final

from django.db import connection

from accounts.scope import installation_scope
from billing.plans.models import Charge, Meter
from billing.usage import locks
from billing.usage.models import DayTotal, RollupShape

WORDS: Final = ("event_type", "aggregation", "value")
"""The words of a meter that say which events count and how; another name changes no total."""

SUMMED: Final = ("count", "sum")
"""What totals of finer dimensions still add up to, also while an event that is taken back is taken off another one."""

LEVELLED: Final = ("latest", "time_weighted")
"""Kept as levels too (models.DayLevel)."""


def is_current(shape: RollupShape | None, meter: Meter) -> bool:
    """Whether totals of this shape are totals of the meter as it is now."""
    return shape is not None and all(getattr(shape, word) == getattr(meter, word) for word in WORDS)


def serves(shape: RollupShape | None, meter: Meter, dimensions: Iterable[str]) -> bool:
    """Whether the day totals answer for `meter` by these dimensions; else the events must be read."""
    if shape is None or shape.ready is None or not is_current(shape, meter):
        return False
    needed, ready = set(kept_dimensions(meter, dimensions)), set(shape.ready)
    if meter.aggregation == "time_weighted" and needed != ready:
        return False
    return needed.union(dimensions) <= ready


def priced_dimensions(meter: Meter) -> list[str]:
    """The dimensions that any charge of any plan version filters on, sorted."""
    filters = Charge.objects.filter(meter=meter).exclude(where={}).values_list("where", flat=True)
    return sorted({name for where in filters for name in where})


def kept_dimensions(meter: Meter, priced: Iterable[str]) -> list[str]:
    """What totals of the meter are kept by, sorted: what prices filter on, and what its aggregation tells apart.

    Distinct values are the values that have events. Levels are told apart by all of the meter's dimensions, no fewer
    and no more: a level holds until the next one of the same dimension values.
    """
    if meter.aggregation == "time_weighted":
        return sorted(set(meter.dimensions))
    return sorted({*priced, meter.value} if meter.aggregation == "unique" else set(priced))


def align_shapes(meters: Iterable[Meter] | None = None) -> list[Meter]:
    """Make the shapes of new and changed meters; the meters whose totals must then be rebuilt.

    A meter's dimensions only grow, so that an old plan version's filter is never lost.
    """
    with installation_scope():
        chosen = list(Meter.objects.all() if meters is None else meters)
        if all(_is_aligned(meter) for meter in chosen):
            return []
        locks.hold_shapes()
        return [meter for meter in chosen if not _align(meter)]


def set_priced_dimensions(meter: Meter, dimensions: Iterable[str]) -> bool:
    """Keep the meter's totals by these dimensions too; whether they serve already, or must be rebuilt."""
    with installation_scope():
        locks.hold_shapes()
        return _align(meter, dimensions)


def _is_aligned(meter: Meter) -> bool:
    """Whether there is nothing to do, seen without stopping intake."""
    shape = RollupShape.objects.filter(meter=meter).first()
    if shape is None or not is_current(shape, meter) or shape.ready != shape.dimensions:
        return False
    kept: list[str] = shape.dimensions
    return kept_dimensions(meter, {*priced_dimensions(meter), *meter.priced_dimensions}) == kept


def _align(meter: Meter, more: Iterable[str] = ()) -> bool:
    shape = RollupShape.objects.filter(meter=meter).first()
    meter.refresh_from_db(fields=["dimensions", "priced_dimensions"])  # they may have grown since it was read
    priced = sorted({*priced_dimensions(meter), *meter.priced_dimensions, *more})
    wanted = kept_dimensions(meter, priced)
    if shape is None or not is_current(shape, meter):
        _reshape(meter, wanted)
    elif wanted != shape.dimensions:
        if shape.ready is not None and not _has_totals(meter):
            shape.ready = wanted
        elif meter.aggregation not in SUMMED:
            shape.ready = None
        shape.dimensions = wanted
        shape.save()
    shape = RollupShape.objects.get(meter=meter)
    if meter.priced_dimensions != priced:
        Meter.objects.filter(pk=meter.pk).update(priced_dimensions=priced)
        meter.priced_dimensions = priced
    return shape.ready is not None and set(shape.ready) == set(shape.dimensions)


def _reshape(meter: Meter, wanted: list[str]) -> None:
    """A new meter, or one that now listens to something else."""
    RollupShape.objects.update_or_create(
        meter=meter,
        defaults={
            **{word: getattr(meter, word) for word in WORDS},
            "dimensions": wanted,
            "ready": None if _has_totals(meter) or _has_events(meter.event_type) else wanted,
        },
    )


def _has_totals(meter: Meter) -> bool:
    return DayTotal.objects.filter(meter=meter).exists()


def _has_events(event_type: str) -> bool:
    """Probes the index of each account that ever had usage: events are kept by account, not by type."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT EXISTS (SELECT FROM usage_rollupzone z WHERE EXISTS (
                   SELECT FROM usage_event e WHERE e.account_id = z.account_id AND e.type = %s))""",
            [event_type],
        )
        return bool(cursor.fetchone()[0])
