"""Keeping events that cannot be counted yet: each once, however often it is sent."""

import hashlib
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from billing.usage.intake.attributes import Incoming
from billing.usage.intake.context import Place
from billing.usage.intake.totals import encode_json
from billing.usage.models import QuarantinedEvent

type Waiting = tuple[Incoming, QuarantinedEvent.Reason, Place | None]


def keep(waiting: list[Waiting], now: datetime) -> None:
    """Store the events that are not kept already. An account's own key leaves its account on the row."""
    rows = [_row(event, reason, place) for event, reason, place in waiting]
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO usage_quarantinedevent
                   (digest, account_id, subject, source, event_id, type, body, reason, received_at, error)
               SELECT decode(h, 'hex'), a, s, o, i, y, b, r, %s, ''
               FROM json_to_recordset(%s::json) AS batch(
                   h text, a bigint, s text, o text, i text, y text, b jsonb, r text
               )
               ON CONFLICT (digest) DO NOTHING""",
            [now, encode_json(sorted(rows, key=lambda row: row["h"])).decode()],
        )


def body_of(event: Incoming) -> dict[str, Any]:
    """The event as CloudEvents says it."""
    body: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "data": event.data,
        "revision": event.revision,
        "voided": event.voided,
    }
    return body if event.time is None else {**body, "time": event.time}


def _row(event: Incoming, reason: QuarantinedEvent.Reason, place: Place | None) -> dict[str, Any]:
    body = body_of(event)
    return {
        "h": hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest(),
        "a": place and place.account_id,
        "s": event.subject,
        "o": event.source,
        "i": event.id,
        "y": event.type,
        "b": body,
        "r": reason.value,
    }
