"""The database's self-check, over real connections to databases that are as they must not be."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.db import connections

from portal.checks.database import Facts, doubtful, facts, unsafe
from tests.conftest import _Database, _sql

GOOD = Facts(
    version=18,
    fsync="on",
    full_page_writes="on",
    synchronous_commit="on",
    encoding="UTF8",
    data_checksums="on",
    role="plainbill_app",
    passes_rules=False,
    unlocked_tables=[],
    idle_triggers=[],
)


def owner(statement: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def as_role(name: str) -> Iterator[None]:
    """The application's connection by another login."""
    connection = connections["default"]
    before = connection.settings_dict["USER"]
    connection.close()
    connection.settings_dict["USER"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["USER"] = before


def test_the_embedded_database_is_good(db: None) -> None:
    assert facts() == GOOD


@pytest.mark.parametrize("value", ["on", "remote_apply", "remote_write"])
def test_what_is_durable_passes(value: str) -> None:
    found = replace(GOOD, synchronous_commit=value, version=16)
    assert unsafe(found) == doubtful(found) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"version": 15}, "PostgreSQL 15"),
        ({"fsync": "off"}, "ALTER SYSTEM SET fsync = on"),
        ({"full_page_writes": "off"}, "ALTER SYSTEM SET full_page_writes = on"),
        ({"synchronous_commit": "off"}, "ALTER SYSTEM SET synchronous_commit = on"),
        ({"synchronous_commit": "local"}, "ALTER SYSTEM SET synchronous_commit = on"),
        ({"encoding": "LATIN1"}, "ENCODING 'UTF8'"),
        ({"passes_rules": True, "role": "postgres"}, "The role postgres"),
        ({"unlocked_tables": ["a", "b"]}, "a, b: ALTER TABLE"),
        ({"idle_triggers": ["a.t"]}, "a.t; ALTER TABLE"),
    ],
)
def test_each_fault_is_told_with_how_to_mend_it(change: dict[str, object], named: str) -> None:
    (told,) = unsafe(replace(GOOD, **change))  # type: ignore[arg-type]
    assert named in told
    assert doubtful(replace(GOOD, **change)) == []  # type: ignore[arg-type]


def test_missing_checksums_stop_nothing() -> None:
    found = replace(GOOD, data_checksums="off")
    assert unsafe(found) == []
    assert "pg_checksums --enable" in doubtful(found)[0]


def test_what_the_role_or_the_database_sets_is_seen(committed: str) -> None:
    _sql(f"ALTER DATABASE {committed} SET synchronous_commit = off", "postgres")
    connections["default"].close()
    assert facts() == replace(GOOD, synchronous_commit="off")


def test_a_superuser_is_seen(committed: str) -> None:
    with as_role("postgres"):
        assert facts() == replace(GOOD, role="postgres", passes_rules=True)


def test_tables_without_their_lock_and_triggers_without_their_force_are_seen(committed: str) -> None:
    owner("ALTER TABLE invoices_invoice NO FORCE ROW LEVEL SECURITY")
    owner("ALTER TABLE limits_limitversion DISABLE ROW LEVEL SECURITY")
    owner("ALTER TABLE invoices_invoiceline DISABLE TRIGGER USER")
    found = facts()
    assert found.unlocked_tables == ["invoices_invoice", "limits_limitversion"]
    assert found.idle_triggers
    assert all(one.startswith("invoices_invoiceline.") for one in found.idle_triggers)


def test_another_encoding_is_seen(committed: str) -> None:
    name = f"{committed}_ascii"
    _sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C' LOCALE_PROVIDER libc")
    try:
        with _Database(name):
            assert facts().encoding == "SQL_ASCII"
    finally:
        _sql(f"DROP DATABASE {name} WITH (FORCE)", "postgres")
