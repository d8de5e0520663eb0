"""The queue in the database: what is due, who has it in hand, and how it ended."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from accounts.scope import installation_scope
from billing.webhooks.actions.switching import switch_off
from billing.webhooks.models import Delivery, Endpoint, Secret
from billing.webhooks.retrying import TRY_FOR, next_try
from billing.webhooks.sealing import Unreadable, unseal
from billing.webhooks.sending.posting import Outcome

# A try takes ten seconds at most; then it is recorded. What is not by now was in the hands of a killed worker.
LEASE: Final = timedelta(seconds=30)
# An endpoint that has let nothing through for so long is switched off, once a message was tried for half a day too:
# where little is sent, a failure of today that follows one of last month is not five days of failing.
FAILING_FOR: Final = timedelta(days=5)
TRIED_FOR: Final = timedelta(hours=12)
_MOST: Final = 500
_SQL: Final = Path(__file__).parent.parent / "sql"
_SPREAD: Final = (_SQL / "spread.sql").read_text(encoding="utf-8")
_TAKE: Final = (_SQL / "take.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Lane:
    """Endpoints that fail have places of their own, so that however many hang, the others do not wait for them.

    `places`: tries at once; `each`: of one endpoint.
    """

    failing: bool
    places: int
    each: int


@dataclass(frozen=True, slots=True)
class Try:
    """A delivery in hand until `lease`: what is sent, and where. No `keys`: the secret cannot be read."""

    delivery_id: UUID
    endpoint_id: UUID
    message_id: UUID
    url: str
    installation: bool
    body: bytes
    keys: tuple[bytes, ...]
    lease: datetime


def spread() -> int:
    """Make the deliveries of new messages, the oldest first; how many messages had none yet."""
    now = timezone.now()
    with installation_scope(), connection.cursor() as cursor:
        cursor.execute(_SPREAD, {"now": now, "give_up_at": now + TRY_FOR, "most": _MOST})
        return int(cursor.rowcount)


def take(lane: Lane, free: int, busy: Mapping[UUID, int]) -> list[Try]:
    """At most `free` deliveries that are due, to be tried now. `busy`: tries in hand here, by endpoint.

    Where half of the lane's places are taken, each endpoint has one only: many that begin to hang at once do not take
    them all.
    """
    now = timezone.now()
    lease = now + LEASE
    values: dict[str, Any] = {
        "now": now,
        "lease": lease,
        "failing": lane.failing,
        "each": lane.each if 2 * free > lane.places else 1,
        "most": free,
        "busy": json.dumps({str(endpoint): count for endpoint, count in busy.items()}),
    }
    with installation_scope():
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, values)
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return []
        rows = Delivery.objects.filter(pk__in=ids).select_related("message", "endpoint")
        keys = _keys({row.endpoint_id for row in rows}, now)
        return [_try(row, keys.get(row.endpoint_id, ()), lease) for row in rows]


def next_due() -> datetime | None:
    """When the next waiting delivery is due; leases count, as they end."""
    with installation_scope():
        waiting = Delivery.objects.filter(next_try_at__isnull=False, endpoint__off="")
        return waiting.order_by("next_try_at").values_list("next_try_at", flat=True).first()


def settle(tried: Try, outcome: Outcome) -> None:
    """Record what became of a try. A failure counts only while the delivery is in these hands; a success always."""
    now = timezone.now()
    with installation_scope():
        # The endpoint's row first, as in all that changes both.
        endpoint = Endpoint.objects.select_for_update(no_key=True).filter(pk=tried.endpoint_id).first()
        delivery = Delivery.objects.filter(pk=tried.delivery_id).first() if endpoint else None
        if endpoint is None or delivery is None:
            return
        if outcome.error is not None and delivery.next_try_at != tried.lease:
            return
        delivery.response_status, delivery.error = outcome.status, outcome.error or ""
        if outcome.error is None:
            delivery.delivered_at, delivery.next_try_at, failing = now, None, None
        else:
            delivery.next_try_at = next_try(delivery.attempts, now, delivery.give_up_at, outcome.retry_after)
            failing = endpoint.failing_since or now
        delivery.save(update_fields=["response_status", "error", "delivered_at", "next_try_at"])
        if failing != endpoint.failing_since:
            endpoint.failing_since = failing
            endpoint.save(update_fields=["failing_since"])
        if reason := _why_off(endpoint, delivery, now):
            switch_off(endpoint, reason)


def _why_off(endpoint: Endpoint, delivery: Delivery, now: datetime) -> Endpoint.Off | None:
    """Why nothing more is to be sent to the endpoint after this try; None if more is."""
    if delivery.response_status == HTTPStatus.GONE:
        return Endpoint.Off.GONE
    since, began = endpoint.failing_since, delivery.give_up_at - TRY_FOR
    dead = since is not None and since <= now - FAILING_FOR and began <= now - TRIED_FOR
    return Endpoint.Off.FAILING if dead else None


def _keys(endpoints: set[UUID], now: datetime) -> dict[UUID, tuple[bytes, ...]]:
    """The secrets in force by endpoint, the current one first; none for an endpoint whose current one is unreadable."""
    in_force = Q(expires_at=None) | Q(expires_at__gt=now)
    found: dict[UUID, tuple[bytes, ...]] = {}
    unreadable = set[UUID]()
    newest_first = F("expires_at").desc(nulls_first=True)
    for row in Secret.objects.filter(in_force, endpoint__in=endpoints).order_by(newest_first):
        try:
            found[row.endpoint_id] = (*found.get(row.endpoint_id, ()), unseal(row.sealed))
        except Unreadable:
            unreadable.add(row.endpoint_id)
    return {endpoint: keys for endpoint, keys in found.items() if endpoint not in unreadable}


def _try(row: Delivery, keys: tuple[bytes, ...], lease: datetime) -> Try:
    return Try(
        row.pk,
        row.endpoint_id,
        row.message_id,
        row.endpoint.url,
        row.endpoint.account_id is None,
        bytes(row.message.payload),
        keys,
        lease,
    )
