"""Trying quarantined events again, once their account, meter or service period is there."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from accounts.models import Account
from accounts.scope import installation_scope
from billing.usage.ingest import Result, count, store
from billing.usage.intake.attributes import Incoming, Rejected, read_event
from billing.usage.intake.batch import Outcome, Stored
from billing.usage.intake.revisions import decode_data
from billing.usage.models import QuarantinedEvent

CHUNK: Final = 1_000

# Of those without a period only events that one covers now; the too late ones wait for a person.
_READY: Final = """
    SELECT q.id, q.body::text, q.received_at FROM usage_quarantinedevent q
    JOIN accounts_account a ON a.code = q.subject
    WHERE q.replayed_at IS NULL AND q.id > %(after)s AND q.error = ''
      AND (%(account)s::bigint IS NULL OR a.id = %(account)s) AND (%(type)s::text IS NULL OR q.type = %(type)s)
      AND EXISTS (SELECT FROM plans_meter m WHERE m.event_type = q.type)
      AND (q.reason IN ('unknown_account', 'unknown_type') OR q.reason = 'no_period' AND EXISTS (
          SELECT FROM plans_period p WHERE p.account_id = a.id
            AND p.start <= coalesce((q.body ->> 'time')::timestamptz, q.received_at)
            AND p."end" > coalesce((q.body ->> 'time')::timestamptz, q.received_at)))
    ORDER BY q.id LIMIT %(limit)s"""

type Row = tuple[int, str, datetime]


def replay(account: Account | None = None, type: str | None = None) -> Result:
    """Try again what may count now: of all accounts and types, or of one. Opens its own scopes.

    Call it when an account is created, a subscription begins or a meter is loaded. Safe to run twice at once and to
    break off: identities keep every event from being counted twice. Rejected ones keep their reason in `error`.
    """
    result, after = Result(), 0
    while rows := _ready(account, type, after):
        after = rows[-1][0]
        result += _replay(rows)
    return result


def replay_rows(ids: Iterable[int]) -> Result:
    """Try these quarantined events again, whatever they wait for: by a person's hand."""
    result, chosen = Result(), sorted(ids)
    for start in range(0, len(chosen), CHUNK):
        with installation_scope(), connection.cursor() as cursor:
            cursor.execute(
                """SELECT id, body::text, received_at FROM usage_quarantinedevent
                   WHERE id = ANY(%s) AND replayed_at IS NULL ORDER BY id""",
                [chosen[start : start + CHUNK]],
            )
            rows = cursor.fetchall()
        result += _replay(rows)
    return result


def _ready(account: Account | None, type_: str | None, after: int) -> list[Row]:
    with installation_scope(), connection.cursor() as cursor:
        cursor.execute(
            _READY,
            {
                "account": None if account is None else account.pk,
                "type": type_,
                "after": after,
                "limit": CHUNK,
            },
        )
        rows: list[Row] = cursor.fetchall()
        return rows


def _replay(rows: Sequence[Row]) -> Result:
    """Store the rows' events; a crash before they are marked leaves duplicates for the next time."""
    events, outcomes = list[Incoming](), dict[int, Outcome]()
    for id_, body, received_at in rows:
        event = read_event(id_, decode_data(body))
        if isinstance(event, Rejected):
            outcomes[id_] = event
            continue
        event.arrival = received_at
        events.append(event)
    # Positions within the chunk are what tells arrivals of one transaction apart.
    ids = [event.index for event in events]
    for position, event in enumerate(events):
        event.index = position
    outcomes |= {ids[position]: outcome for position, outcome in store(events).items()} if events else {}
    _mark(outcomes)
    return count(outcomes.values())


def _mark(outcomes: dict[int, Outcome]) -> None:
    now, changed = timezone.now(), list[QuarantinedEvent]()
    with installation_scope():
        for row in QuarantinedEvent.objects.defer("body").filter(pk__in=outcomes):
            outcome: Any = outcomes[row.pk]
            if isinstance(outcome, Stored):
                row.replayed_at, row.error = now, ""
            elif isinstance(outcome, Rejected):
                row.error = f"{outcome.code}: {outcome.detail}"[:300]
            else:
                row.reason = outcome
            changed.append(row)
        QuarantinedEvent.objects.bulk_update(changed, ["replayed_at", "error", "reason"], batch_size=500)
