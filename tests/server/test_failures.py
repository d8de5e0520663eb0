"""Commands end with a sentence where a trace would tell nobody how to mend it."""

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from portal.failures import sentence
from portal.postgres.embedded import EmbeddedPostgresError


def test_a_server_that_cannot_start_says_why_itself() -> None:
    assert sentence(EmbeddedPostgresError("Run `uv sync`.")) == "Run `uv sync`."


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
