"""What intake, billing and rebuilding keep each other from: advisory locks that end with the transaction.

Intake shares the lock of each account that it writes for; closing a period or rebuilding an account's totals takes
it alone. So whoever has it alone sees every event that was accepted, and events that come later see what it did.
Accounts share a few locks (`BUCKETS`), so that a large batch cannot fill the server's lock table.
Order (docs: performance): these locks → event keys → day totals → period → limit; each in ascending order.
"""

from typing import Final

from django.db import connection

CLASS: Final = 7201
"""The first key of the product's usage locks; nothing else may use it."""

BUCKETS: Final = 256
SHAPES: Final = -1
"""The lock of the meters' rollup shapes: every intake shares it."""


CHOSEN: Final = "a.code = ANY(%(subjects)s) AND (%(own)s::bigint IS NULL OR a.id = %(own)s::bigint)"
"""The accounts `a` of a batch: those of `subjects`, or only the key's `own` one."""

SHARE_INTAKE: Final = f"""
    SELECT pg_advisory_xact_lock_shared({CLASS}, key) FROM (
        SELECT {SHAPES} AS key
        UNION SELECT (a.id %% {BUCKETS})::int FROM accounts_account a WHERE {CHOSEN}
        ORDER BY key) AS locks"""
"""Taken by intake: wait for whoever holds one of these accounts, then keep others from holding it."""


def hold_intake(*account_ids: int) -> None:
    """Until the transaction ends no event of these accounts is stored; all that were are visible."""
    _lock("pg_advisory_xact_lock", sorted({each % BUCKETS for each in account_ids}))


def share_shapes() -> None:
    """Until the transaction ends no meter's totals are made of something else."""
    _lock("pg_advisory_xact_lock_shared", [SHAPES])


def hold_shapes() -> None:
    """Until the transaction ends no event at all is stored: for changing what day totals are made of."""
    _lock("pg_advisory_xact_lock", [SHAPES])


def _lock(function: str, keys: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, key) FROM unnest(%s::int[]) AS key", [CLASS, keys])
