"""Properties of the price function: continuous, monotonic, exact at 38 digits, and shown in full by its rows."""

import random
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.charges import NO_USAGE, Usage
from billing.pricing.rate import price
from tests.pricing.samples import MODELS, charge, events, used
from tests.pricing.test_oracle import exact_sum, random_charge, random_events

quantities = st.decimals(0, 10**26 - 1, places=12)
prices = st.decimals(0, 1000, places=12)


@st.composite
def graduated(draw, has_flat_prices=False):
    """A graduated charge with up to five tiers."""
    flat = prices if has_flat_prices else st.just(Decimal(0))
    bounds = sorted(draw(st.sets(st.decimals("0.001", 1000, places=3), max_size=4)))
    tiers = [
        {"up_to": bound, "unit_price": draw(prices), "flat_price": draw(flat)} for bound in [*bounds, None]
    ]
    return charge({"model": "graduated", "tiers": tiers})


@given(graduated(), st.data())
def test_graduated_is_continuous_at_its_bounds(charge, data):
    bounds = [tier.up_to for tier in charge.tiers if tier.up_to] or [Decimal(1)]
    bound, step = data.draw(st.sampled_from(bounds)), Decimal("1E-12")
    at, above = (price(charge, Usage(quantity)).exact for quantity in (bound, bound + step))
    assert 0 <= Fraction(above) - Fraction(at) <= Fraction(step) * 1000


@given(graduated(has_flat_prices=True), quantities, quantities)
def test_graduated_never_falls(charge, one, other):
    low, high = sorted([one, other])
    assert price(charge, Usage(low)).exact <= price(charge, Usage(high)).exact


@given(st.integers())
def test_rows_sum_to_the_price_and_each_follows_from_its_numbers(seed):
    rng = random.Random(seed)
    priced_by, amounts = charge(random_charge(rng, "a") | {"where": {}}), random_events(rng, ())
    priced = price(priced_by, Usage(exact_sum(amounts), amounts))
    assert sum((Fraction(row.amount) for row in priced.tiers), Fraction(0)) == priced.exact >= 0
    for row in priced.tiers:
        assert row.amount == Fraction(row.quantity) * Fraction(row.unit_price) + Fraction(row.flat_price)
        # Events that cancel each other have a row of 0 here; lines leave it out.
        assert row.quantity or row.flat_price or row.kind == "percentage"


@given(quantities, st.decimals(0, 10**26 - 1, places=12))
def test_no_digit_is_lost_between_38_digit_numbers(quantity, unit_price):
    priced = price(charge({"model": "per_unit", "unit_price": unit_price}), Usage(quantity))
    assert priced.exact == Fraction(quantity) * Fraction(unit_price)


@pytest.mark.parametrize("data", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("usage", [NO_USAGE, used("-5")], ids=["none", "negative"])
def test_zero_usage_costs_nothing(data, usage):
    assert price(charge(data), usage) == price(charge(data), NO_USAGE)
    assert price(charge(data), NO_USAGE).exact == 0
    assert price(charge(data), NO_USAGE).tiers == ()


@pytest.mark.parametrize("data", [data for name, data in MODELS.items() if name != "percentage"])
def test_included_units_are_free_and_shown(data):
    with_included, without = charge({**data, "included": "4"}), charge(data)
    assert price(with_included, used("16")).exact == price(without, used("12")).exact
    first, *rest = price(with_included, used("16")).tiers
    assert (first.kind, first.quantity, first.unit_price, first.amount) == ("included", 4, 0, 0)
    assert tuple(rest) == price(without, used("12")).tiers
    assert [row.kind for row in price(with_included, used("4")).tiers] == ["included"]


def test_included_units_come_off_the_first_amounts():
    priced = price(
        charge({"model": "percentage", "rate": "10", "fixed_fee": "1", "included": "15"}), events(10, 10, -4)
    )
    assert priced.exact == Decimal("1.5") + Decimal("0.6")
    assert [(row.kind, row.quantity) for row in priced.tiers] == [("included", 15), ("percentage", 1)]


def test_a_maximum_is_a_row_that_takes_the_rest_off():
    priced = price(charge({"model": "per_unit", "unit_price": "3", "maximum_amount": "20"}), used("10"))
    assert priced.exact == 20
    assert [(row.kind, row.amount) for row in priced.tiers] == [("tier", 30), ("maximum", -10)]
    at_the_maximum = charge({"model": "per_unit", "unit_price": "2", "maximum_amount": "20"})
    assert [row.kind for row in price(at_the_maximum, used("10")).tiers] == ["tier"]


def test_refunds_pay_a_negative_share_but_never_a_negative_total():
    data = {"model": "percentage", "rate": "10"}
    assert price(charge(data), events(100, -30)).exact == 7
    priced = price(charge(data), events(-30))
    assert priced.exact == 0
    assert [(row.kind, row.amount) for row in priced.tiers] == [("percentage", -3), ("floor", 3)]


@pytest.mark.parametrize(
    ("keys", "amounts", "cost"),
    [
        ({"included_events": "2"}, (500, 500, 7), "0.7"),
        ({"included_events": "0", "included_amount": "100"}, (50,), "5"),
        ({"included_amount": "0"}, (50,), "5"),
        ({"included_amount": "100"}, (100,), "0"),
        ({"included_amount": "100"}, (100, 1), "0.1"),
        ({"included_amount": "100"}, (101,), "0.1"),
        ({"included_amount": "100", "fixed_fee": "1"}, (60, 40), "0"),
        ({"included_amount": "100", "fixed_fee": "1"}, (60, 40, 0), "1"),
        ({"included_events": "1", "included_amount": "100"}, (30, 70), "7"),
        ({"minimum_per_event": "1", "maximum_per_event": "4"}, (1, 20, 100), "7"),
        ({"fixed_fee": "0.5"}, (0,), "0.5"),
    ],
)
def test_percentage_allowances_and_bounds(keys, amounts, cost):
    assert price(charge({"model": "percentage", "rate": "10", **keys}), events(*amounts)).exact == Decimal(
        cost
    )


def test_only_bounds_per_event_that_bind_have_a_row():
    data = {"model": "percentage", "rate": "10", "minimum_per_event": "1", "maximum_per_event": "4"}
    assert [row.kind for row in price(charge(data), events(10, 40, 20)).tiers] == ["percentage"]
    rows = price(charge(data), events(10, 50)).tiers
    assert [(row.kind, row.quantity, row.amount) for row in rows] == [
        ("percentage", 60, 6),
        ("per_event", 0, -1),
    ]


def test_rows_show_percentages_as_prices_per_unit():
    row = price(charge(MODELS["graduated_percentage"]), used("4")).tiers[0].as_data()
    assert row == {
        "up_to": "10",
        "quantity": "4",
        "unit_price": "0.01",
        "flat_price": "200",
        "amount": "200.04",
        "kind": "tier",
        "rate": "1",
    }
    assert price(charge(MODELS["percentage"]), events(20)).tiers[-1].as_data()["rate"] == "1.3"


@pytest.mark.parametrize(
    ("quantity", "packages"), [("0.1", 1), ("9.999", 1), ("10", 1), ("10.001", 2), ("20", 2), ("25", 3)]
)
def test_a_package_is_due_when_it_is_begun(quantity, packages):
    assert price(charge(MODELS["package"]), used(quantity)).exact == 7 * packages


def test_packages_are_counted_in_their_row():
    data = price(charge(MODELS["package"]), used("20.001")).tiers[0].as_data()
    assert data == {
        "up_to": None,
        "quantity": "3",
        "unit_price": "7",
        "flat_price": "0",
        "amount": "21",
        "kind": "package",
    }
