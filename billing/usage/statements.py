"""The SQL files of billing/usage/sql, read once; and several statements in one round trip."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

_FOLDER = Path(__file__).resolve().parent / "sql"

type Run = Callable[[str, Mapping[str, Any]], psycopg.Cursor[Any]]


@cache
def statement(name: str) -> str:
    """The text of sql/`name`.sql."""
    return (_FOLDER / f"{name}.sql").read_text()


@contextmanager
def together() -> Iterator[Run]:
    """Statements that are sent at once, each with a snapshot of its own; their rows are there when the block ends.

    Values are bound by the server, so a large one is neither quoted nor parsed as SQL. A connection prepares each
    statement once: planning would cost more than running one for a few rows.
    """
    connection.ensure_connection()
    raw = connection.connection
    usual, raw.prepare_threshold = raw.prepare_threshold, 0
    try:
        with connection.wrap_database_errors, raw.pipeline():
            yield lambda sql, values: psycopg.Cursor(raw).execute(sql, values)
    finally:
        raw.prepare_threshold = usual
