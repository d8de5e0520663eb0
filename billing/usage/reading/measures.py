"""What is to be measured: a meter, a filter, and the instants at which the running quantity is asked for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from accounts.models import Account
from billing.plans.models import Meter
from billing.usage.days import day_bounds, day_of
from billing.usage.intake.totals import encode_json
from billing.usage.models import RollupShape, RollupZone
from billing.usage.shapes import serves


@dataclass(frozen=True, slots=True)
class Measure:
    """One quantity: the events of `meter` that match `where` (dimension -> accepted values)."""

    meter: Meter
    where: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Window:
    """The instants asked about: usage of [start, cut) for each of the ascending `cuts`, all after `start`.

    A bucket is the number of cuts that an event does not lie before, so `bucket <= n` is usage up to cut n.
    With `arrived_by` only what was stored by then counts; a correction counts from its own arrival on.
    """

    account: Account
    start: datetime
    cuts: tuple[datetime, ...]
    arrived_by: datetime | None = None

    @property
    def end(self) -> datetime:
        return self.cuts[-1]


@dataclass(frozen=True, slots=True)
class DaySplit:
    """A window as whole local days, which day totals answer, and stretches inside days, which events answer."""

    first: date
    last: date
    cut_days: tuple[date, ...]
    partial: tuple[date, ...]
    stretches: tuple[tuple[datetime, datetime], ...]


def split(window: Window, zone: str, by_events: Iterable[date] = ()) -> DaySplit:
    """By the days of the zone that the account's totals are kept in; the days `by_events` are not read from totals."""
    days = [day_of(zone, instant) for instant in (window.start, *window.cuts)]
    partial = set(by_events)
    for instant, day in zip((window.start, *window.cuts), days, strict=True):
        if day_bounds(zone, day)[0] != instant:
            partial.add(day)
    stretches = []
    for day in sorted(partial):
        start, end = day_bounds(zone, day)
        stretches.append((max(start, window.start), min(end, window.end)))
    return DaySplit(days[0], days[-1], tuple(days[1:]), tuple(sorted(partial)), tuple(stretches))


def zone_of(account: Account) -> str:
    """The zone of the account's day totals; before its first event its own."""
    zone = RollupZone.objects.filter(account=account).values_list("timezone", flat=True).first()
    return zone or account.timezone


def shape_of(meter: Meter) -> RollupShape | None:
    """The meter's shape; use `select_related("rollup_shape")`."""
    return getattr(meter, "rollup_shape", None)


def wanted_json(measures: Iterable[tuple[int, Measure]], group_by: Sequence[str] = ()) -> str:
    """The measures as SQL reads them: n, m(eter), y (type), v(alue), a(ggregation), f(ilter), r(olled up)."""
    rows: list[dict[str, Any]] = [
        {
            "n": n,
            "m": measure.meter.pk,
            "y": measure.meter.event_type,
            "v": measure.meter.value,
            "a": measure.meter.aggregation,
            "f": {name: list(values) for name, values in measure.where.items()},
            "r": serves(shape_of(measure.meter), measure.meter, {*measure.where, *group_by}),
        }
        for n, measure in measures
    ]
    return encode_json(rows).decode()


WANTED = """json_to_recordset(%(wanted)s::json)
    AS w(n int, m bigint, y text, v text, a text, f jsonb, r boolean)"""
"""The measures as a table, for queries that are given `wanted`."""


def group_sql(group_by: Sequence[str], source: str, parameters: dict[str, Any]) -> str:
    """A jsonb of the dimension values to group by. Names are bound, never part of the statement."""
    if not group_by:
        return "'{}'::jsonb"
    pairs = []
    for n, name in enumerate(group_by):
        parameters[f"group{n}"] = name
        pairs.append(f"%(group{n})s::text, usage_text({source} -> %(group{n})s::text)")
    return f"jsonb_build_object({', '.join(pairs)})"
