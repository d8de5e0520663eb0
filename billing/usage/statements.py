"""The SQL files of billing/usage/sql, read once."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent / "sql"


@cache
def statement(name: str) -> str:
    """The text of sql/`name`.sql."""
    return (_FOLDER / f"{name}.sql").read_text()
