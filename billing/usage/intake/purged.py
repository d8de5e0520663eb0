"""Events whose raw data is no longer kept: hashes of identity and content still tell a resend from a conflict."""

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from billing.usage.days import microseconds
from billing.usage.values import text_of


class Purged(msgspec.Struct):
    """What is known of a purged event."""

    revision: int
    content: UUID


def identity_hash(source: str, id: str) -> UUID:
    return _hash([source, id])


def content_hash(
    type_: str, voided: bool, time: datetime | None, values: dict[str, tuple[type, Any]]
) -> UUID:
    """Of what makes two events the same. `time` as sent, None if it was not; `values` by `revisions.by_value`."""
    data = [[name, kind.__name__, text_of(value)] for name, (kind, value) in sorted(values.items())]
    return _hash([type_, voided, None if time is None else microseconds(time), data])


def load_purged(
    identities: Collection[tuple[int, str, str]],
) -> dict[tuple[int, str, str], Purged]:
    """Those of the identities (account id, source, id) that are purged."""
    if not identities:
        return {}
    by_hash = {(each[0], identity_hash(each[1], each[2])): each for each in identities}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT p.account_id, p.identity, p.revision, p.content
               FROM unnest(%s::bigint[], %s::uuid[]) AS batch(a, h)
               JOIN usage_purgedevent p ON p.account_id = a AND p.identity = h""",
            [[account_id for account_id, _ in by_hash], [hash_ for _, hash_ in by_hash]],
        )
        return {by_hash[row[0], row[1]]: Purged(*row[2:]) for row in cursor.fetchall()}


def _hash(value: list[Any]) -> UUID:
    return UUID(bytes=hashlib.sha256(msgspec.json.encode(value)).digest()[:16])
