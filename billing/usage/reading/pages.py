"""Single events, newest first, a page at a time; and one by its identity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection

from accounts.models import Account
from billing.plans.models import Meter
from billing.usage.intake.revisions import decode_data
from billing.usage.reading.measures import where_sql

MAX_PAGE: Final = 200
LOOKED_AT: Final = 10_000
"""Events of each type that a page with a filter looks at: a rare value is found page by page, not by one long read."""

type Position = tuple[datetime, datetime, str, str]
"""(time, received_at, source, id) of an event: unique, and in the order of the pages."""

COLUMNS: Final = (
    """e.type, e."time", e.received_at, e.source, e.event_id, e.revision, e.voided, e.data::text"""
)
_KEY: Final = '(e."time", e.received_at, e.source, e.event_id)'


@dataclass(frozen=True, slots=True)
class EventDetail:
    """A stored event, at its highest revision."""

    type: str
    time: datetime
    received_at: datetime
    source: str
    id: str
    revision: int
    voided: bool
    data: dict[str, Any]

    @property
    def position(self) -> Position:
        return self.time, self.received_at, self.source, self.id


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events, and where the next page begins; None on the last one. `newer`: where the page before it ends.

    A page with a filter may hold less than was asked for, or nothing, and still have a next one: so far it was looked.
    """

    events: tuple[EventDetail, ...]
    next: Position | None
    newer: Position | None = None


@dataclass(frozen=True, slots=True)
class Sought:
    """Which events: of [start, end), of these types (None: all that have a meter), from `source`, whose data has one of
    the values of each name in `matching`, and that `meter` counts.
    """

    types: Sequence[str] | None = None
    start: datetime | None = None
    end: datetime | None = None
    source: str = ""
    matching: Mapping[str, Sequence[str]] = field(default_factory=dict)
    meter: Meter | None = None

    @property
    def filtered(self) -> bool:
        """Whether some events of the types and the time are left out."""
        return bool(self.source or self.matching or self.meter)


def events_page(
    account: Account,
    sought: Sought = Sought(),  # frozen
    *,
    after: Position | None = None,
    before: Position | None = None,
    limit: int = 50,
) -> EventPage:
    """A page of the account's events, newest first: from behind `after` on, or those right before `before`."""
    types = sought.types
    if types is None:
        types = sorted(set(Meter.objects.values_list("event_type", flat=True)))
    if not types:
        return EventPage((), None)
    edge, upwards = (before, True) if before else (after, False)
    order = _order("" if upwards else "DESC")
    time, received_at, source, event_id = edge or (None, None, None, None)
    parameters: dict[str, Any] = {
        "account": account.pk,
        "start": sought.start,
        "end": sought.end,
        "time": time,
        "received_at": received_at,
        "source": source,
        "event_id": event_id,
        "depth": LOOKED_AT if sought.filtered else limit + 1,
        "limit": limit + 1,
        **{f"type{n}": kind for n, kind in enumerate(types)},
    }
    where = f"""e.account_id = %(account)s
        {'AND e."time" >= %(start)s' if sought.start else ""} {'AND e."time" < %(end)s' if sought.end else ""}
        {_beyond(upwards) if edge else ""}"""
    looked = _looked(len(types), where, order)
    statement = f"""SELECT {COLUMNS} FROM ({looked}) e WHERE {_filter(sought, parameters)}
        ORDER BY {order} LIMIT %(limit)s"""
    found = fetch(statement, parameters)
    events = found[:limit]
    further = events[-1].position if len(found) > limit else None
    if further is None and sought.filtered:
        further = _last_looked_at(looked, order, parameters)
    if upwards:
        events.reverse()
        return EventPage(tuple(events), events[-1].position if events else before, further)
    return EventPage(tuple(events), further, events[0].position if events and after else None)


def _looked(types: int, where: str, order: str) -> str:
    """The events that a page looks at: one index scan for each type, merged, as far as the page needs them.

    The number stands in a query of its own: where the planner knows it, it sorts all that there is.
    """
    each = (
        f"""(SELECT * FROM usage_event e WHERE {where} AND e.type = %(type{n})s
             ORDER BY {order} LIMIT (SELECT %(depth)s))"""
        for n in range(types)
    )
    return f"SELECT e.* FROM ({' UNION ALL '.join(each)}) e ORDER BY {order} LIMIT %(depth)s"


def _order(direction: str) -> str:
    """An account's events are kept by type, then time."""
    return ", ".join(f"e.{name} {direction}" for name in ('"time"', "received_at", "source", "event_id"))


def _beyond(upwards: bool) -> str:
    """The first test is the index's."""
    sign = ">" if upwards else "<"
    edge = "(%(time)s, %(received_at)s, %(source)s, %(event_id)s)"
    return f'AND e."time" {sign}= %(time)s AND {_KEY} {sign} {edge}'


def _filter(sought: Sought, parameters: dict[str, Any]) -> str:
    tests = [where_sql(sought.matching, "e.data", parameters)]
    if sought.source:
        parameters["from_source"] = sought.source
        tests.append("e.source = %(from_source)s")
    if sought.meter and sought.meter.aggregation != "count":
        parameters["value"] = sought.meter.value
        kind = "text" if sought.meter.aggregation == "unique" else "number"
        tests.append(f"coalesce(usage_{kind}(e.data -> %(value)s::text)::text, '') <> ''")
    return " AND ".join(tests)


def _last_looked_at(looked: str, order: str, parameters: dict[str, Any]) -> Position | None:
    """The last event that the page looked at, if there may be more behind it."""
    found = fetch(
        f"SELECT {COLUMNS} FROM ({looked}) e ORDER BY {order} OFFSET %(depth)s - 1 LIMIT 1", parameters
    )
    return found[0].position if found else None


def event_detail(account: Account, source: str, id: str) -> EventDetail | None:
    """One event by its identity."""
    where = "e.account_id = %(account)s AND e.source = %(source)s AND e.event_id = %(id)s"
    found = fetch(
        f"SELECT {COLUMNS} FROM usage_event e WHERE {where}",
        {"account": account.pk, "source": source, "id": id},
    )
    return found[0] if found else None


MAX_SOURCES: Final = 10_000


def events_by_id(account: Account, id: str) -> list[EventDetail]:
    """The account's events with this id, one for each source that has it, the last stored first.

    Goes down the primary key from source to source (at most `MAX_SOURCES`): the id alone is no index's beginning.
    """
    return fetch(
        f"""WITH RECURSIVE sources AS (
                (SELECT e.source, 1 AS n FROM usage_event e WHERE e.account_id = %(account)s
                 ORDER BY e.source LIMIT 1)
                UNION ALL
                SELECT l.source, s.n + 1 FROM sources s CROSS JOIN LATERAL (
                    SELECT e.source FROM usage_event e
                    WHERE e.account_id = %(account)s AND e.source > s.source ORDER BY e.source LIMIT 1
                ) l WHERE s.n < %(most)s
            )
            SELECT {COLUMNS} FROM sources s CROSS JOIN LATERAL (
                SELECT * FROM usage_event e
                WHERE e.account_id = %(account)s AND e.source = s.source AND e.event_id = %(id)s OFFSET 0
            ) e ORDER BY e.received_at DESC""",
        {"account": account.pk, "id": id, "most": MAX_SOURCES},
    )


def fetch(statement: str, parameters: dict[str, Any]) -> list[EventDetail]:
    """Rows of `COLUMNS` as events."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [
            EventDetail(type_, time, received_at, source, id_, revision, voided, decode_data(data))
            for type_, time, received_at, source, id_, revision, voided, data in cursor.fetchall()
        ]
