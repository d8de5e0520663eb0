"""Telling of a fact, inside the transaction that makes it: both are there, or neither (an outbox).

Only the message is written here. Who hears of it is found by the worker, which sees the installation's endpoints too
(sending/spread.py); a transaction of one account does not.
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from accounts.models import Account
from billing.pricing.dates import utc
from billing.webhooks.models import EventType

CHANNEL: Final = "plainbill_webhooks"
_COLUMNS: Final = ("ids", "accounts", "types", "facts", "payloads", "tests", "times")
_INSERT: Final = (Path(__file__).parent.parent / "sql" / "announce.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of an account (None: of the installation) that happened `at` (default: now).

    `name` names it among those of its type: announced again, it is told once; without a name each is a fact of its own.
    `data` is JSON-ready (instants and decimals as strings). `test` marks a drill.
    """

    account: Account | None
    type: str
    data: Mapping[str, Any]
    name: str | None = None
    at: datetime | None = None
    test: bool = False


def announce(
    account: Account,
    type: EventType,
    data: Mapping[str, Any],
    *,
    fact: str | None = None,
    at: datetime | None = None,
    test: bool = False,
) -> uuid.UUID | None:
    """Tell the account's endpoints, and the installation's, of a fact named `fact`.

    Gives the webhook-id, None if it was told before. Needs the account's scope or the installation's.
    """
    return next(iter(announce_all([Fact(account, type, data, fact, at, test)])), None)


def announce_all(facts: Iterable[Fact]) -> list[uuid.UUID]:
    """The same of several facts of accounts; the account's code is put first. The webhook-ids of those that are new."""
    return write(
        [replace(fact, data={"account": fact.account.code, **fact.data}) for fact in facts if fact.account]
    )


def write(facts: Sequence[Fact]) -> list[uuid.UUID]:
    """Store the messages and wake the worker at the commit; the ids of those that were not told before."""
    if not facts:
        return []
    columns = [list(column) for column in zip(*map(_row, facts), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, dict(zip(_COLUMNS, columns, strict=True)))
        stored = [message_id for (message_id,) in cursor.fetchall()]
    if stored:
        wake()
    return stored


def _row(fact: Fact) -> tuple[Any, ...]:
    """In the order of `_COLUMNS`."""
    message_id, at = uuid.uuid4(), fact.at or timezone.now()
    body = payload(fact.type, at, fact.data, fact.test)
    account_id = fact.account.pk if fact.account else None
    return message_id, account_id, str(fact.type), fact.name or str(message_id), body, fact.test, at


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
