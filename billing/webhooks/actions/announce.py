"""Telling of a fact, inside the transaction that makes it: both are there, or neither (an outbox).

Only the message is written here. Who hears of it is found by the worker, which sees the installation's endpoints too
(sending/spread.py); a transaction of one account does not.
"""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from accounts.models import Account
from billing.pricing.dates import utc
from billing.webhooks.models import EventType

CHANNEL: Final = "plainbill_webhooks"
_INSERT: Final = (Path(__file__).parent.parent / "sql" / "announce.sql").read_text(encoding="utf-8")


def announce(
    account: Account,
    type: EventType,
    data: Mapping[str, Any],
    *,
    fact: str | None = None,
    at: datetime | None = None,
    test: bool = False,
) -> uuid.UUID | None:
    """Tell the account's endpoints, and the installation's, of a fact that happened `at` (default: now).

    `fact` names it among those of its type: announced again, it is told once, and None comes back; without a name each
    call is a fact of its own. `data` is JSON-ready (instants and decimals as strings); the account's code is put first.
    `test` marks a drill. Gives the webhook-id. Needs the account's scope or the installation's.
    """
    return write(account, type, {"account": account.code, **data}, fact=fact, at=at, test=test)


def write(
    account: Account | None,
    type: str,
    data: Mapping[str, Any],
    *,
    fact: str | None = None,
    at: datetime | None = None,
    test: bool = False,
) -> uuid.UUID | None:
    """Store the message and wake the worker at the commit; None if the fact was told before."""
    message_id, occurred_at = uuid.uuid4(), at or timezone.now()
    values: dict[str, Any] = {
        "id": message_id,
        "account": account and account.pk,
        "type": str(type),
        "fact": fact or str(message_id),
        "payload": payload(type, occurred_at, data, test),
        "test": test,
        "occurred_at": occurred_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        if cursor.fetchone() is None:
            return None
    wake()
    return message_id


def payload(type: str, occurred_at: datetime, data: Mapping[str, Any], test: bool) -> bytes:
    """The body of the deliveries, in the shape of Standard Webhooks; `test` is a member only where it is true."""
    body = {
        "type": str(type),
        "timestamp": utc(occurred_at),
        **({"test": True} if test else {}),
        "data": data,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def wake() -> None:
    """Have the worker look for what is due as soon as this transaction is committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
