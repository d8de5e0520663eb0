"""CSV by RFC 4180 in UTF-8: numbers stay numbers, and no text is run as a formula by who opens the file."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final


class Number(str):
    """A cell that is a number or an instant of ours, written already: it is left as it is, also if negative."""

    __slots__ = ()


type Cell = str | int | None

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula, the full-width forms of East Asia included.

Source: OWASP, CSV Injection.
"""


def safe_text(text: str) -> str:
    """`text`, quoted for spreadsheets where it would be run as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_rows(rows: Iterable[Sequence[Cell]]) -> bytes:
    """The rows as a part of a file. None is an empty cell."""
    found = io.StringIO(newline="")
    csv.writer(found).writerows([_cell(cell) for cell in row] for row in rows)
    return found.getvalue().encode()


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    return safe_text(cell) if isinstance(cell, str) and not isinstance(cell, Number) else str(cell)
