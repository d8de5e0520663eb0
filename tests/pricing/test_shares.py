"""Largest remainder: parts that always add up, and none above its weight."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from billing.pricing.money import quantum, round_fraction
from billing.pricing.shares import drawn_to, largest_remainder, rounded_to

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


def fractions(*texts: str) -> list[Fraction]:
    return [Fraction(text) for text in texts]


@pytest.mark.parametrize(
    ("amount", "parts", "currency", "expected"),
    [
        ("0.01", ["0.004", "0.006"], "EUR", ["0.00", "0.01"]),
        ("0.01", ["0.005", "0.005"], "EUR", ["0.01", "0.00"]),
        ("-10.00", ["-10.00", "0.004"], "EUR", ["-10.00", "0.00"]),
        ("-9.99", ["-10.00", "0.005"], "EUR", ["-10.00", "0.01"]),
        ("-4", ["-2.5", "-1"], "JPY", ["-3", "-1"]),
        ("0.000", ["0.0006", "-0.0006"], "KWD", ["0.001", "-0.001"]),
    ],
)
def test_parts_are_rounded_down_or_up_to_a_sum(
    amount: str, parts: list[str], currency: str, expected: list[str]
) -> None:
    assert rounded_to(D(amount), fractions(*parts), currency) == decimals(*expected)


def test_what_is_not_in_minor_units_is_no_sum() -> None:
    with pytest.raises(ValueError, match=r"^0\.005 is not in whole minor units of EUR$"):
        rounded_to(D("0.005"), fractions("0.005"), "EUR")


@given(st.lists(st.fractions(-(10**6), 10**6), max_size=8), currencies)
def test_no_part_leaves_the_units_around_it(parts: list[Fraction], currency: str) -> None:
    """So one that lies between two whole amounts stays between them."""
    amount, unit = round_fraction(sum(parts, Fraction(0)), currency), Fraction(quantum(currency))
    rounded = rounded_to(amount, parts, currency)
    assert sum(rounded) == amount
    for part, own in zip(rounded, parts, strict=True):
        assert own // unit * unit <= Fraction(part) <= -(-own // unit) * unit


def test_parts_are_drawn_to_a_sum_in_proportion_to_their_size() -> None:
    assert drawn_to(D(4), fractions("1", "2")) == fractions("4/3", "8/3")
    assert drawn_to(D(-4), fractions("-1", "-2")) == fractions("-4/3", "-8/3")
    assert drawn_to(D(1), fractions("6", "-2")) == fractions("3.75", "-2.75")
    assert drawn_to(D(1), fractions("3", "0", "-2")) == fractions("3", "0", "-2")
    assert drawn_to(D(0), fractions("0", "0")) == fractions("0", "0")
