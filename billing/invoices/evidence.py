"""The raw events that periods are priced by: what `verify`, the portal's check and proofs read.

They come in the order of time and arrival, through a cursor of the database, so that memory does not grow with them.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, Protocol

from django.db import connection

from accounts.reading import many
from billing.plans.models import Period
from billing.proof.tally import Event, Stretch

CHUNK: Final = 5_000
"""Events fetched at a time."""

# `place` is that of the question. Windows of one type do not overlap, so no event comes twice for it. Of levels that
# hold into a period only the last of each series is needed. Both read by the index event_by_time (account, type, time),
# one range for each window: OFFSET 0 keeps the planner from reading all events and joining them then.
STATEMENT: Final = """
    WITH windows AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(%(windows)s::jsonb)
        AS w(place int, account bigint, stored_by timestamptz, type text, start timestamptz, until timestamptz)
    ), held AS (
      SELECT DISTINCT ON (h.place, h.n, series.key) h.place, h.account, e.source, e.event_id
      FROM jsonb_to_recordset(%(held)s::jsonb)
             AS h(place int, account bigint, stored_by timestamptz, n int, type text, value text, dimensions jsonb,
                  before timestamptz)
      CROSS JOIN LATERAL (
        SELECT * FROM usage_event e
        WHERE e.account_id = h.account AND e.type = h.type AND e."time" < h.before AND e.received_at <= h.stored_by
          AND NOT e.voided
        OFFSET 0
      ) AS e
      CROSS JOIN LATERAL (
        SELECT array_agg(usage_text(e.data -> d.name) ORDER BY d.place) AS key
        FROM jsonb_array_elements_text(h.dimensions) WITH ORDINALITY AS d(name, place)
      ) AS series
      WHERE usage_number(e.data -> h.value) IS NOT NULL
      ORDER BY h.place, h.n, series.key, e."time" DESC, e.received_at DESC, e.source DESC, e.event_id DESC
    )
    SELECT w.place, e.type, e."time", e.received_at, e.source, e.event_id, e.revision, e.data::text
    FROM windows w CROSS JOIN LATERAL (
      SELECT * FROM usage_event e
      WHERE e.account_id = w.account AND e.type = w.type AND e."time" >= w.start AND e."time" < w.until
        AND e.received_at <= w.stored_by AND NOT e.voided
      OFFSET 0
    ) AS e
    UNION ALL
    SELECT h.place, e.type, e."time", e.received_at, e.source, e.event_id, e.revision, e.data::text
    FROM (SELECT DISTINCT place, account, source, event_id FROM held) AS h CROSS JOIN LATERAL (
      SELECT * FROM usage_event e
      WHERE e.account_id = h.account AND e.source = h.source AND e.event_id = h.event_id
      OFFSET 0
    ) AS e
    WHERE NOT EXISTS (
      SELECT FROM windows w
      WHERE w.place = h.place AND e.type = w.type AND e."time" >= w.start AND e."time" < w.until)
    ORDER BY 1, 3, 4, 5, 6
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


class Behind(NamedTuple):
    """Which events are asked for: those that the stretches of an account's periods are priced by, of those stored by
    an instant.
    """

    account_id: int
    priced: Sequence[tuple[Priced, Sequence[Stretch]]]
    stored_by: datetime


def events_behind(
    account_id: int, priced: Iterable[tuple[Priced, Sequence[Stretch]]], stored_by: datetime
) -> Iterator[Stored]:
    """Every event that the stretches of the periods are priced by, of those stored by an instant, once each.

    Read it inside the account's scope.
    """
    return (event for _place, event in all_behind([Behind(account_id, list(priced), stored_by)]))


def all_behind(asked: Sequence[Behind]) -> Iterator[tuple[int, Stored]]:
    """The same of several questions, one after another: the place of each, and an event."""
    parameters = {
        "windows": json.dumps(
            [row for place, one in enumerate(asked) for row in _rows(place, one, _windows)]
        ),
        "held": json.dumps([row for place, one in enumerate(asked) for row in _rows(place, one, _held)]),
    }
    with connection.chunked_cursor() as cursor:
        cursor.execute(STATEMENT, parameters)
        while rows := cursor.fetchmany(CHUNK):
            for place, *row in rows:
                yield place, Stored(*row)


def _rows(
    place: int, one: Behind, of: Callable[[Iterable[Any]], list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    known = {"place": place, "account": one.account_id, "stored_by": one.stored_by.isoformat()}
    return [known | row for row in of(one.priced)]


def was_replaced(period: Period, after: datetime) -> bool:
    """Whether an event of the period was corrected or voided after an instant: what it said before is not kept."""
    if not was_corrected(period.account_id):
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT EXISTS (SELECT FROM usage_event WHERE account_id = %s AND received_at > %s
                              AND (revision > 0 OR voided) AND "time" < %s)""",
            [period.account_id, after, period.end],
        )
        return bool(cursor.fetchone()[0])


@many
def was_corrected(account_ids: Sequence[int]) -> dict[int, bool]:
    """Whether any event of an account was ever corrected or voided."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.id, EXISTS (
                   SELECT FROM usage_event WHERE account_id = a.id AND (revision > 0 OR voided) OFFSET 0)
               FROM unnest(%s::bigint[]) AS a(id)""",
            [list(account_ids)],
        )
        return dict(cursor.fetchall())


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
        {"n": n, "type": type_, "value": value, "dimensions": dimensions, "before": before}
        for n, (type_, value, dimensions, before) in enumerate(sorted(found))
    ]
