"""Cells of CSV files: text is never run as a formula, numbers stay numbers, and RFC 4180 holds."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.invoices.exports.cells import Number, csv_rows, safe_text

FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    '=HYPERLINK("http://x","y")',
    "=cmd|' /C calc'!A0",
)


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))


@pytest.mark.parametrize("text", FORMULAS)
def test_what_would_be_a_formula_is_text(text: str) -> None:
    assert read(csv_rows([[text, "x"]])) == [[f"'{text}", "x"]]


def test_numbers_stay_numbers_and_null_is_empty() -> None:
    assert csv_rows([[Number("-12.30"), -3, None, "a"]]) == b"-12.30,-3,,a\r\n"


def test_quotes_commas_and_lines_are_kept() -> None:
    cells = ['say "so"', "a,b", "one\r\ntwo", "é €"]
    assert csv_rows([cells]) == '"say ""so""","a,b","one\r\ntwo",é €\r\n'.encode()


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2)))
def test_every_text_comes_back_but_for_the_mark(rows: list[list[str]]) -> None:
    back = read(csv_rows(rows))
    assert back == [[safe_text(cell) for cell in row] for row in rows]
    assert not any(cell[:1] in "=+-@\t\r\n" for row in back for cell in row if cell)
