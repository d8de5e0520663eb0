"""Letting go of raw events: what counted stays in the day totals, and who it was as a hash (models.PurgedEvent).

Which stretches of time may go is the invoices' business (billing/invoices/retention.py); this moves their events,
a chunk in each transaction, so it may be broken off and run again. Each chunk holds the account's intake, since an
identity must never be missing from both tables while an event is being stored.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec
from django.conf import settings
from django.db import connection
from django.db.models import Q

from accounts.models import Account
from accounts.reading import grouped, many
from accounts.scope import account_scope, installation_scope
from billing.plans.models import Meter
from billing.usage import locks
from billing.usage.days import day_bounds, days_between
from billing.usage.intake.purged import content_hash, identity_hash
from billing.usage.intake.revisions import by_value, decode_data
from billing.usage.models import PurgedSpan, QuarantinedEvent, RollupShape, RollupZone
from billing.usage.statements import statement

CHUNK: Final = 2_000
"""Events of one transaction; intake of the account waits for it."""

type Span = tuple[datetime, datetime]
"""A stretch [start, end) of time."""


def purge_account(account: Account, spans: Callable[[Account], Sequence[Span]], dry_run: bool = False) -> int:
    """Let go of the raw events of the stretches that `spans` names; how many went, or would go.

    `spans` is asked anew in each transaction, with the account's intake held. Opens its own scopes.
    """
    if dry_run:
        with account_scope(account.pk):
            return sum(_count(account, span) for span in spans(account))
    total = 0
    while gone := _purge_chunk(account, spans):
        total += gone
    return total


def purge_quarantine(now: datetime, dry_run: bool = False) -> int:
    """Delete quarantined events that have waited, or were replayed, longer than their term; how many."""
    before = now - timedelta(days=settings.QUARANTINE_RETENTION_DAYS)
    over = Q(replayed_at=None, received_at__lt=before) | Q(replayed_at__lt=before)
    total = 0
    while True:
        with installation_scope():
            rows = QuarantinedEvent.objects.filter(over)
            if dry_run:
                return rows.count()
            chosen = list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK])
            total += QuarantinedEvent.objects.filter(pk__in=chosen).delete()[0]
        if len(chosen) < CHUNK:
            return total


@many
def purged_spans(account_ids: Sequence[int]) -> dict[int, list[Span]]:
    """The stretches whose raw events an account no longer has, in order; inside its scope."""
    rows = PurgedSpan.objects.filter(account__in=account_ids).values_list("account_id", "start", "end")
    found = grouped(account_ids, rows, lambda row: row[0])
    return {account_id: [(start, end) for _account, start, end in of] for account_id, of in found.items()}


def purged_days(account_id: int, zone: str) -> set[date]:
    """The local days of which raw events are missing: their totals can be neither made anew nor checked."""
    return {day for start, end in purged_spans(account_id) for day in days_between(zone, start, end)}


def is_purged(account_id: int, start: datetime, end: datetime) -> bool:
    """Whether raw events of [start, end) are no longer kept."""
    return any(since < end and until > start for since, until in purged_spans(account_id))


def _purge_chunk(account: Account, spans: Callable[[Account], Sequence[Span]]) -> int:
    with account_scope(account.pk):
        locks.share_shapes()
        locks.hold_intake(account.pk)
        for span in spans(account):
            rows = _delete(account, span)
            if rows:
                _remember(account, rows)
                _forget_values(account, span, _mark(account, span))
                return len(rows)
    return 0


def _parameters(account: Account, span: Span) -> dict[str, Any]:
    return {"account": account.pk, "start": span[0], "end": span[1], "kept": _held_types(), "limit": CHUNK}


def _held_types() -> list[str]:
    """Types whose events stay: a level holds until the next one comes, be it years later."""
    found = set[str]()
    for model in (Meter, RollupShape):
        found |= set(model.objects.filter(aggregation="time_weighted").values_list("event_type", flat=True))
    return sorted(found)


def _count(account: Account, span: Span) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement("count_purgeable"), _parameters(account, span))
        count: int = cursor.fetchone()[0]
        return count


def _delete(account: Account, span: Span) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement("delete_purgeable"), _parameters(account, span))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _remember(account: Account, rows: Sequence[tuple[Any, ...]]) -> None:
    meters = dict[str, list[RollupShape]]()
    for shape in RollupShape.objects.filter(event_type__in={row[2] for row in rows}):
        meters.setdefault(shape.event_type, []).append(shape)
    hashed = []
    for source, id_, type_, time, timed, revision, voided, data in rows:
        values = by_value(decode_data(data), meters.get(type_, []))
        content = content_hash(type_, voided, time if timed else None, values)
        day = time.astimezone(UTC).date()
        hashed.append({"h": identity_hash(source, id_), "c": content, "r": revision, "d": day})
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO usage_purgedevent (account_id, identity, content, revision, day)
               SELECT %s, h, c, r, d FROM json_to_recordset(%s::json) AS batch(h uuid, c uuid, r int, d date)
               ORDER BY h""",
            [account.pk, msgspec.json.encode(hashed).decode()],
        )


def _forget_values(account: Account, span: Span, whole: Span) -> None:
    """Take distinct values out of the totals of the days of `span` that lie in `whole`, which is purged."""
    zone = RollupZone.objects.get(account=account).timezone
    days = [
        day
        for day in days_between(zone, *span)
        if whole[0] <= day_bounds(zone, day)[0] and day_bounds(zone, day)[1] <= whole[1]
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            statement("forget_values"), {"account": account.pk, "days": days, "kept": _held_types()}
        )


def _mark(account: Account, span: Span) -> Span:
    """Say that the stretch is purged, as one with those that it meets; that one."""
    start, end = span
    met = PurgedSpan.objects.filter(account=account, start__lte=end, end__gte=start)
    for kept in met:
        start, end = min(start, kept.start), max(end, kept.end)
    met.delete()
    PurgedSpan.objects.create(account=account, start=start, end=end)
    return start, end
