"""SQL and Python read a property alike; numbers are strict."""

import json
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.usage.intake.totals import encode_json
from billing.usage.values import distinct_of, is_bounded, number_of, text_of

pytestmark = pytest.mark.usefixtures("db")

NUMBERS = st.one_of(
    st.integers(-(10**26) + 1, 10**26 - 1),
    st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**25), max_value=10**25),
)
STRINGS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
DECIMALS = st.from_regex(r"-?[0-9]{1,28}(\.[0-9]{1,14})?", fullmatch=True)
VALUES = st.one_of(st.none(), st.booleans(), NUMBERS, STRINGS, DECIMALS)


@settings(deadline=None, max_examples=150)
@given(values=st.lists(VALUES, min_size=1, max_size=30))
@example(
    values=[Decimal("1E+3"), Decimal("0.10"), "1.", ".5", "+1", "1e5", " 1", "１", "-0", "", True, 10**25]
)
def test_sql_reads_what_python_reads(values: list) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT usage_number(v), usage_text(v) FROM jsonb_array_elements(%s::jsonb)
               WITH ORDINALITY AS each(v, n) ORDER BY n""",
            [encode_json(values).decode()],
        )
        rows = cursor.fetchall()
    assert [row[0] for row in rows] == [number_of(value) for value in values]
    assert [row[1] for row in rows] == [text_of(value) for value in values]


@pytest.mark.parametrize(
    "text", [*" ", "", " 1", "1 ", "+1", "1.", ".5", "1e5", "0x10", "NaN", "Infinity", "１２"]
)
def test_no_number(text: str) -> None:
    assert number_of(text) is None


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        (10**26 - 1, True),
        (10**26, False),
        (Decimal("1E+25"), True),
        (Decimal("1E+26"), False),
        (Decimal("1E-12"), True),
        (Decimal("1E-13"), False),
        (Decimal("0E+999999"), True),
        (Decimal("1E+2000000"), False),
        (Decimal("1E-999999"), False),
        (Decimal("0.30000000000000004"), False),
    ],
)
def test_bounds(value: int | Decimal, fits: bool) -> None:
    assert is_bounded(value) is fits


def test_distinct_values() -> None:
    assert [distinct_of(value) for value in ("a", 0, False, "", None)] == [0, 0, 0, None, None]
    assert json.dumps(text_of(Decimal("1.50"))) == '"1.5"'
