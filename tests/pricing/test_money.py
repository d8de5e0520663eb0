"""Money: one rounding, one way to write a number, no arithmetic that loses digits."""

from decimal import Decimal, Inexact, InvalidOperation, getcontext
from fractions import Fraction
from itertools import pairwise

import iso4217
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.currencies import MINOR_UNITS
from billing.pricing.money import (
    CurrencyError,
    Money,
    exact,
    is_currency,
    minor_units,
    money_string,
    plain,
    quantum,
    round_fraction,
    round_money,
    round_places,
)
from tests.pricing.oracle import half_up

amounts = st.decimals(-(10**26), 10**26, places=12)
currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF"])


def test_table_is_the_iso_list_less_what_cannot_be_billed():
    published = {item.code: item.exponent for item in iso4217.Currency if item.exponent is not None}
    assert published == MINOR_UNITS


@pytest.mark.parametrize("code", ["XXX", "XTS", "XAU", "XDR", "eur", "EURO", "", None, 978, ["EUR"]])
def test_what_is_no_currency(code):
    assert not is_currency(code)


def test_unknown_currency_raises():
    with pytest.raises(CurrencyError, match="'XXX' is not an active"):
        minor_units("XXX")


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.005", "EUR", "0.01"),
        ("-0.005", "EUR", "-0.01"),
        ("0.004999999999", "EUR", "0.00"),
        ("-0.004", "EUR", "0.00"),
        ("2.5", "JPY", "3"),
        ("0.0005", "KWD", "0.001"),
        ("12345678901234567890123456.125", "EUR", "12345678901234567890123456.13"),
        (f"-{'9' * 60}.5", "JPY", f"-1{'0' * 60}"),
    ],
)
def test_rounding_is_half_up_away_from_zero(amount, currency, rounded):
    assert str(round_money(Decimal(amount), currency)) == rounded
    assert str(round_fraction(Fraction(amount), currency)) == rounded
    assert money_string(Decimal(amount), currency) == rounded


@given(amounts, currencies)
def test_rounding_agrees_with_fractions(amount, currency):
    assert round_money(amount, currency) == half_up(Fraction(amount), minor_units(currency))


@given(st.fractions(-1000, 1000), currencies)
def test_ratios_round_like_decimals(amount, currency):
    assert round_fraction(amount, currency) == half_up(amount, minor_units(currency))


def test_quantum_is_the_smallest_amount():
    assert [str(quantum(code)) for code in ("EUR", "JPY", "KWD")] == ["0.01", "1", "0.001"]


def test_more_digits_than_the_precision_raise_instead_of_rounding():
    assert round_places(Decimal("1E+247"), 2) == Decimal("1E+247")
    with pytest.raises(InvalidOperation):
        round_places(Decimal("1E+248"), 2)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E+3", "1000"),
        ("66.7733000", "66.7733"),
        ("-0.00", "0"),
        ("0E+5", "0"),
        ("1000", "1000"),
        ("-1.50", "-1.5"),
        ("1E-12", "0.000000000001"),
    ],
)
def test_plain_has_no_exponent_and_no_zeros_at_the_end(value, text):
    assert plain(Decimal(value)) == text


@given(amounts)
def test_plain_reads_back_as_the_same_value(value):
    assert Decimal(plain(value)) == value


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_finite_is_no_money(value):
    with pytest.raises(ValueError, match="not a finite"):
        plain(Decimal(value))
    with pytest.raises(ValueError, match="not an amount"):
        Money(Decimal(value), "EUR")


def test_exact_keeps_76_digits_and_refuses_to_round():
    price, outside = Decimal("9" * 26 + "." + "9" * 12), getcontext().prec
    with exact():
        assert price * price == Fraction(price) ** 2
        with pytest.raises(Inexact):
            Decimal(1) / Decimal(3)
    assert getcontext().prec == outside


def test_exact_works_as_a_decorator_more_than_once():
    @exact()
    def squared(value: Decimal) -> Decimal:
        return value * value

    value = Decimal("1." + "1" * 30)
    assert squared(value) == squared(value) == Fraction(value) ** 2


def test_money_adds_subtracts_and_negates():
    assert Money(Decimal("1.10"), "EUR") + Money(Decimal("0.905"), "EUR") == Money(Decimal("2.005"), "EUR")
    assert Money(Decimal(1), "EUR") - Money(Decimal(3), "EUR") == -Money(Decimal(2), "EUR")
    assert str(Money(Decimal("2.005"), "EUR").rounded()) == "2.01 EUR"


def test_currencies_do_not_mix():
    one, other = Money(Decimal(1), "EUR"), Money(Decimal(1), "USD")
    for act in (lambda: one + other, lambda: one - other, lambda: Money.sum([one, other], "EUR")):
        with pytest.raises(CurrencyError, match="USD to EUR"):
            act()
    with pytest.raises(CurrencyError):
        Money(Decimal(1), "XXX")


@given(st.lists(amounts, max_size=12), st.data())
def test_a_sum_is_never_changed_by_batches(values, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=4)))
    edges = [0, *cuts, len(values)]
    money = [Money(value, "EUR") for value in values]
    batches = [Money.sum(money[start:end], "EUR") for start, end in pairwise(edges)]
    assert Money.sum(batches, "EUR") == Money.sum(money, "EUR")
    assert Money.sum(money, "EUR").amount == sum(map(Fraction, values))
