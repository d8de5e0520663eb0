"""Single events, newest first, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from accounts.models import Account
from billing.plans.models import Meter
from billing.usage.intake.revisions import decode_data

MAX_PAGE: Final = 200

type Position = tuple[datetime, datetime, str, str]
"""(time, received_at, source, id) of an event: unique, and in the order of the pages."""

COLUMNS: Final = (
    """e.type, e."time", e.received_at, e.source, e.event_id, e.revision, e.voided, e.data::text"""
)


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
    """Events, and where the next page begins; None on the last one."""

    events: tuple[EventDetail, ...]
    next: Position | None


def events_page(
    account: Account,
    *,
    types: Sequence[str] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    id: str | None = None,
    after: Position | None = None,
    limit: int = 50,
) -> EventPage:
    """The account's events of [start, end), newest first, from behind `after` on; all types that have a meter."""
    limit = min(max(limit, 1), MAX_PAGE)
    if types is None:
        types = sorted(set(Meter.objects.values_list("event_type", flat=True)))
    # One index scan for each type, merged: an account's events are kept by type, then time.
    statement = f"""
        SELECT {COLUMNS} FROM unnest(%(types)s::text[]) AS kind(name) CROSS JOIN LATERAL (
            SELECT * FROM usage_event e WHERE e.account_id = %(account)s AND e.type = kind.name
              {'AND e."time" >= %(start)s' if start else ""}
              {'AND e."time" < %(end)s' if end else ""}
              {"AND e.event_id = %(id)s" if id else ""}
              {_AFTER if after else ""}
            ORDER BY e."time" DESC, e.received_at DESC, e.source DESC, e.event_id DESC LIMIT %(limit)s
        ) e ORDER BY e."time" DESC, e.received_at DESC, e.source DESC, e.event_id DESC LIMIT %(limit)s"""
    parameters = {"account": account.pk, "types": list(types), "start": start, "end": end, "id": id}
    time, received, source, event_id = after or (None, None, None, None)
    parameters |= {
        "time": time,
        "received": received,
        "source": source,
        "event_id": event_id,
        "limit": limit + 1,
    }
    found = fetch(statement, parameters)
    return EventPage(tuple(found[:limit]), found[limit - 1].position if len(found) > limit else None)


_AFTER: Final = """AND e."time" <= %(time)s
    AND (e."time", e.received_at, e.source, e.event_id) < (%(time)s, %(received)s, %(source)s, %(event_id)s)"""


def event_detail(account: Account, source: str, id: str) -> EventDetail | None:
    """One event by its identity."""
    where = "e.account_id = %(account)s AND e.source = %(source)s AND e.event_id = %(id)s"
    found = fetch(
        f"SELECT {COLUMNS} FROM usage_event e WHERE {where}",
        {"account": account.pk, "source": source, "id": id},
    )
    return found[0] if found else None


def fetch(statement: str, parameters: dict[str, Any]) -> list[EventDetail]:
    """Rows of `COLUMNS` as events."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [
            EventDetail(type_, time, received_at, source, id_, revision, voided, decode_data(data))
            for type_, time, received_at, source, id_, revision, voided, data in cursor.fetchall()
        ]
