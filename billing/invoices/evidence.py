"""The raw events that periods are priced by: what `verify`, the portal's check and proofs read.

They come in the order of time and arrival, through a cursor of the database, so that memory does not grow with them.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, Protocol

from django.db import connection

from billing.plans.models import Period
from billing.proof.tally import Event, Stretch

CHUNK: Final = 5_000
"""Events fetched at a time."""

# Windows of one type do not overlap, so no event comes twice. Of levels that hold into a period only the last of each
# series is needed. Both read by the index event_by_time (account, type, time).
STATEMENT: Final = """
    WITH windows AS (
      SELECT * FROM jsonb_to_recordset(%(windows)s::jsonb) AS w(type text, start timestamptz, until timestamptz)
    ), stored AS (
      SELECT * FROM usage_event WHERE account_id = %(account)s AND received_at <= %(stored_by)s AND NOT voided
    ), held AS (
      SELECT DISTINCT ON (h.place, series.key) e.source, e.event_id
      FROM jsonb_to_recordset(%(held)s::jsonb)
             AS h(place int, type text, value text, dimensions jsonb, before timestamptz)
      JOIN stored e ON e.type = h.type AND e."time" < h.before AND usage_number(e.data -> h.value) IS NOT NULL
      CROSS JOIN LATERAL (
        SELECT array_agg(usage_text(e.data -> d.name) ORDER BY d.place) AS key
        FROM jsonb_array_elements_text(h.dimensions) WITH ORDINALITY AS d(name, place)
      ) AS series
      ORDER BY h.place, series.key, e."time" DESC, e.received_at DESC, e.source DESC, e.event_id DESC
    )
    SELECT e.type, e."time", e.received_at, e.source, e.event_id, e.revision, e.data::text
    FROM windows w JOIN stored e ON e.type = w.type AND e."time" >= w.start AND e."time" < w.until
    UNION ALL
    SELECT e.type, e."time", e.received_at, e.source, e.event_id, e.revision, e.data::text
    FROM (SELECT DISTINCT source, event_id FROM held) AS h JOIN stored e USING (source, event_id)
    WHERE NOT EXISTS (
      SELECT FROM windows w WHERE e.type = w.type AND e."time" >= w.start AND e."time" < w.until)
    ORDER BY 2, 3, 4, 5
"""


class Stored(NamedTuple):
    """An event as stored; `data` is its JSON."""

    type: str
    time: datetime
    received_at: datetime
    source: str
    id: str
    revision: int
    data: str

    def as_event(self) -> Event:
        return Event(self.type, self.time, json.loads(self.data, parse_float=Decimal))


class Priced(Protocol):
    """What is read of a period that is priced: its start."""

    @property
    def start(self) -> datetime: ...


def events_behind(
    account_id: int, priced: Iterable[tuple[Priced, Sequence[Stretch]]], stored_by: datetime
) -> Iterator[Stored]:
    """Every event that the stretches of the periods are priced by, of those stored by an instant, once each.

    Read it inside the account's scope.
    """
    periods = list(priced)
    parameters: dict[str, Any] = {
        "account": account_id,
        "stored_by": stored_by,
        "windows": json.dumps(_windows(periods)),
        "held": json.dumps(_held(periods)),
    }
    with connection.chunked_cursor() as cursor:
        cursor.execute(STATEMENT, parameters)
        while rows := cursor.fetchmany(CHUNK):
            for row in rows:
                yield Stored(*row)


def was_replaced(period: Period, after: datetime) -> bool:
    """Whether an event of the period was corrected or voided after an instant: what it said before is not kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT EXISTS (SELECT FROM usage_event WHERE account_id = %s AND received_at > %s
                              AND (revision > 0 OR voided) AND "time" < %s)""",
            [period.account_id, after, period.end],
        )
        return bool(cursor.fetchone()[0])


def _windows(periods: Iterable[tuple[Priced, Sequence[Stretch]]]) -> list[dict[str, Any]]:
    """By type the times that are priced, those that meet as one."""
    by_type: dict[str, list[tuple[datetime, datetime]]] = {}
    for period, stretches in periods:
        for stretch in stretches:
            for meter in stretch.meters.values():
                by_type.setdefault(meter.event_type, []).append((period.start, stretch.end))
    return [
        {"type": type_, "start": start.isoformat(), "until": until.isoformat()}
        for type_, spans in by_type.items()
        for start, until in _merged(spans)
    ]


def _merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for start, until in sorted(spans):
        if merged and start <= merged[-1][1]:
            start, until = merged[-1][0], max(until, merged.pop()[1])  # noqa: PLW2901
        merged.append((start, until))
    return merged


def _held(periods: Iterable[tuple[Priced, Sequence[Stretch]]]) -> list[dict[str, Any]]:
    """The meters whose levels hold into a period."""
    found = {
        (meter.event_type, meter.value or "", meter.dimensions, period.start.isoformat())
        for period, stretches in periods
        for stretch in stretches
        for meter in stretch.meters.values()
        if meter.aggregation == "time_weighted"
    }
    return [
        {"place": place, "type": type_, "value": value, "dimensions": dimensions, "before": before}
        for place, (type_, value, dimensions, before) in enumerate(sorted(found))
    ]
