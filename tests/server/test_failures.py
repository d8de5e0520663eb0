"""Commands end with a sentence where a trace would tell nobody how to mend it."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, NotSupportedError, OperationalError, connection, transaction

from portal.failures import sentence
from portal.postgres.embedded import EmbeddedPostgresError


def test_a_server_that_cannot_start_says_why_itself() -> None:
    assert sentence(EmbeddedPostgresError("Run `uv sync`.")) == "Run `uv sync`."
    assert sentence(ImproperlyConfigured("Set it.")) == "Set it."


def test_a_server_that_is_too_old_is_told(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection.features, "minimum_database_version", (99,))
    with pytest.raises(NotSupportedError) as caught:
        connection.check_database_version_supported()
    told = sentence(caught.value)
    assert told
    assert "99 or later" in told
    assert "DATABASE_URL" in told


@pytest.mark.parametrize(
    ("sql", "told"),
    [("SELECT * FROM no_such_table", "manage.py migrate"), ("SELECT no_such_column", None)],
)
def test_a_database_without_tables_is_told(db: None, sql: str, told: str | None) -> None:
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    found = sentence(caught.value)
    assert found is told is None or (told and found and told in found)


def test_what_a_running_database_refuses_keeps_its_trace(db: None) -> None:
    with pytest.raises(OperationalError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 1; SELECT pg_sleep(1)")
    assert sentence(caught.value) is None
    assert sentence(ValueError("x")) is None
