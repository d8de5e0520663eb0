"""What the database must not be like: it would lose what it said it stored, or show an account another's rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.db import connections

OLDEST: Final = 16
"""The oldest PostgreSQL that has every function of ours (`any_value`). What is tested is the embedded one, 18."""

DURABLE: Final = frozenset({"on", "remote_apply", "remote_write"})
"""Values of synchronous_commit by which a commit is on disk here when it is answered (PostgreSQL's manual, 19.5.1)."""

SQL: Final = (Path(__file__).parent / "database.sql").read_text()


@dataclass(frozen=True)
class Facts:
    """What a connection of the application finds. `version` is the major one, 18."""

    version: int
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    encoding: str
    data_checksums: str
    role: str
    passes_rules: bool
    """Superuser or BYPASSRLS."""
    unlocked_tables: Sequence[str]
    idle_triggers: Sequence[str]


def facts() -> Facts:
    """Asked over a connection of the application's role."""
    with connections["default"].cursor() as cursor:
        cursor.execute(SQL)
        names = [column.name for column in cursor.description]
        return Facts(**dict(zip(names, cursor.fetchone(), strict=True)))


def unsafe(found: Facts) -> list[str]:
    """What production must not start with."""
    sentences = []
    if found.version < OLDEST:
        sentences.append(f"PostgreSQL {found.version} is too old: upgrade it to {OLDEST} or later.")
    for name, value in (("fsync", found.fsync), ("full_page_writes", found.full_page_writes)):
        if value != "on":
            sentences.append(
                f"PostgreSQL's {name} is {value}, so that a power cut may spoil the books: "
                f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf()."
            )
    if found.synchronous_commit not in DURABLE:
        sentences.append(
            f"PostgreSQL's synchronous_commit is {found.synchronous_commit}, so that a crash may lose what was "
            "acknowledged: ALTER SYSTEM SET synchronous_commit = on; SELECT pg_reload_conf(); "
            "and look for it at the role and at the database."
        )
    if found.encoding != "UTF8":
        sentences.append(
            f"The database is encoded in {found.encoding}, which lacks letters of some names: make a new one with "
            "ENCODING 'UTF8' and restore a dump into it."
        )
    return [*sentences, *_open(found)]


def doubtful(found: Facts) -> list[str]:
    """What is better mended, and stops nothing."""
    if found.data_checksums == "on":
        return []
    return [
        "PostgreSQL's data_checksums is off, so that a failing disk goes unnoticed: stop it, pg_checksums --enable."
    ]


def _open(found: Facts) -> list[str]:
    """What would let a query see or change more than it may."""
    sentences = []
    if found.passes_rules:
        sentences.append(
            f"The role {found.role} is a superuser or has BYPASSRLS, so that no row is hidden from any account: "
            "ALTER ROLE … NOSUPERUSER NOBYPASSRLS, or name another one in DATABASE_URL."
        )
    if found.unlocked_tables:
        sentences.append(
            f"Row-level security is off for {', '.join(found.unlocked_tables)}: "
            "ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY."
        )
    if found.idle_triggers:
        sentences.append(
            f"Triggers that keep the books are off: {', '.join(found.idle_triggers)}; ALTER TABLE … ENABLE TRIGGER ALL."
        )
    return sentences
