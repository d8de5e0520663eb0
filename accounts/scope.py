"""Row-level security's second lock: which account's rows a transaction may see.

Every table with an `account_id` has the policy made by `policy()`. Outside a scope the application's role sees no row
of them. The setting lives inside the transaction only: at session level it would leak through a connection pool.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection, transaction

SETTING = "plainbill.account"
INSTALLATION = "*"

SET: Final = f"SELECT set_config('{SETTING}', %(scope)s, true)"
"""For `begun_scope`."""


@contextmanager
def account_scope(account_id: int) -> Iterator[None]:
    """A transaction that sees and writes one account's rows."""
    with _scope(str(account_id)):
        yield


@contextmanager
def installation_scope() -> Iterator[None]:
    """A transaction that sees every account's rows: staff, jobs, commands and installation keys."""
    with _scope(INSTALLATION):
        yield


@contextmanager
def begun_scope(account_id: int | None) -> Iterator[str]:
    """The scope of an account, or of the installation, for who saves a round trip: he runs `SET` with this first."""
    value = INSTALLATION if account_id is None else str(account_id)
    with _scope(value) if connection.in_atomic_block else transaction.atomic():
        yield value


@contextmanager
def _scope(value: str) -> Iterator[None]:
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        before = "" if outermost else _setting()
        _set(value)
        yield
        # An inner scope ends before its transaction does; the outermost one ends with it.
        if not outermost and not connection.needs_rollback:
            _set(before)


def _setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [SETTING])
        return cursor.fetchone()[0] or ""


def _set(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, value])


def policy(table: str, account_column: str = "account_id") -> tuple[str, str]:
    """SQL that puts `table` under row-level security, and the SQL that takes it away; for migrations."""
    seen = f"(SELECT current_setting('{SETTING}', true)) IN ('{INSTALLATION}', {account_column}::text)"
    forward = (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
        f"CREATE POLICY own_account ON {table} USING ({seen}) WITH CHECK ({seen});"
    )
    backward = f"DROP POLICY own_account ON {table}; ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;"
    return forward, backward
