"""Largest remainder: parts that always add up, and none above its weight."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from billing.pricing.money import quantum
from billing.pricing.shares import largest_remainder

D = Decimal
currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF"])


def decimals(*texts: str) -> tuple[Decimal, ...]:
    return tuple(D(text) for text in texts)


@pytest.mark.parametrize(
    ("amount", "weights", "currency", "expected"),
    [
        ("10.00", ["1", "1", "1"], "EUR", ["3.34", "3.33", "3.33"]),
        ("0.02", ["1", "1", "1"], "EUR", ["0.01", "0.01", "0.00"]),
        ("25.15", ["115.77", "10.00"], "EUR", ["23.15", "2.00"]),
        ("10", ["1", "1", "1"], "JPY", ["4", "3", "3"]),
        ("1", ["1", "1", "1"], "KWD", ["0.334", "0.333", "0.333"]),
        ("-0.01", ["1", "1"], "EUR", ["0.00", "-0.01"]),
        ("16.00", ["100.00", "-20.00"], "EUR", ["20.00", "-4.00"]),
        ("5.00", ["0", "3.00"], "EUR", ["0.00", "5.00"]),
        ("0.00", ["2.00", "-2.00"], "EUR", ["0.00", "0.00"]),
        ("0", [], "EUR", []),
    ],
)
def test_parts(amount: str, weights: list[str], currency: str, expected: list[str]) -> None:
    parts = largest_remainder(D(amount), decimals(*weights), currency)
    assert parts == decimals(*expected)
    assert all(part.as_tuple().exponent == quantum(currency).as_tuple().exponent for part in parts)


def test_no_digit_is_lost_beyond_the_default_28() -> None:
    huge = D("9" * 40 + ".99")
    assert largest_remainder(huge, decimals("1"), "EUR") == (huge,)


def test_what_cannot_be_shared_out_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^0\.005 is not in whole minor units of EUR$"):
        largest_remainder(D("0.005"), [D(1)], "EUR")
    with pytest.raises(ValueError, match=r"^0\.01 cannot be shared out over weights that sum up to zero$"):
        largest_remainder(D("0.01"), [D(1), D(-1)], "EUR")


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(-(10**9), 10**9), max_size=12), currencies)
def test_parts_add_up_and_are_within_a_unit_of_their_share(
    units: int, weights: list[int], currency: str
) -> None:
    assume(sum(weights) != 0)
    unit = quantum(currency)
    parts = largest_remainder(units * unit, [D(weight) for weight in weights], currency)
    assert sum(parts) == units * unit
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(part) - Fraction(units * weight, sum(weights)) * Fraction(unit)) < unit


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=12), st.fractions(0, 1))
def test_no_part_is_larger_than_its_weight(cents: list[int], ratio: Fraction) -> None:
    weights = [D(cent).scaleb(-2) for cent in cents]
    amount = D(int(sum(cents) * ratio)).scaleb(-2)
    assume(sum(weights) > 0)
    for part, weight in zip(largest_remainder(amount, weights, "EUR"), weights, strict=True):
        assert 0 <= part <= weight
