"""What prices do as usage grows: graduated ones have no jump at a bound, and none falls where no price is negative."""

import random
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from billing.pricing.charges import Usage
from billing.pricing.price import price
from tests.pricing.samples import charge, used
from tests.pricing.test_oracle import random_charge

STEP = Decimal("0.000000000001")
"""The finest quantity there is."""

fine = st.decimals(0, 10**6, places=12) | st.integers(0, 200).map(Decimal)
prices = st.decimals(0, 1000, places=12)
bounds = st.lists(fine.filter(bool), min_size=1, max_size=5, unique=True).map(sorted)


def exact(of, quantity: Decimal) -> Fraction:
    return Fraction(price(of, used(quantity)).exact)


def tiered(model: str, limits: list[Decimal], each: list[Decimal], flats: list[Decimal] | None = None):
    """A charge with as many tiers as `each` has prices (rates, for `graduated_percentage`)."""
    key = "rate" if model == "graduated_percentage" else "unit_price"
    flats = flats or [Decimal(0)] * len(each)
    return charge(
        {
            "model": model,
            "tiers": [
                {"up_to": None if limit is None else f"{limit:f}", key: f"{one:f}", "flat_price": f"{flat:f}"}
                for limit, one, flat in zip([*limits, None], each, flats, strict=True)
            ],
        }
    )


@given(bounds, st.data(), st.sampled_from(["graduated", "graduated_percentage"]))
def test_graduated_prices_are_continuous_at_bounds(limits, data, model):
    """One finest unit above a bound costs one finest unit at the next tier's price, and below it at its own."""
    places = 12 if model == "graduated" else 6
    rates = st.decimals(0, 1000, places=places)
    each = data.draw(st.lists(rates, min_size=len(limits) + 1, max_size=len(limits) + 1))
    of, share = tiered(model, limits, each), Fraction(1 if model == "graduated" else 100)
    for (below, above), limit in zip(pairwise(each), limits, strict=True):
        at = exact(of, limit)
        assert exact(of, limit + STEP) - at == Fraction(STEP) * Fraction(above) / share
        assert at - exact(of, limit - STEP) == Fraction(STEP) * Fraction(below) / share


@given(bounds, st.data())
def test_a_flat_price_is_due_from_the_first_unit_inside(limits, data):
    """The only jumps are the flat prices, each just above the bound below its tier."""
    size = len(limits) + 1
    each, flats = (data.draw(st.lists(prices, min_size=size, max_size=size)) for _ in range(2))
    of = tiered("graduated", limits, each, flats)
    for number, limit in enumerate(limits, 1):
        jump = exact(of, limit + STEP) - exact(of, limit)
        assert jump == Fraction(STEP) * Fraction(each[number]) + Fraction(flats[number])


@given(bounds, st.data())
def test_volume_prices_all_units_by_the_tier_that_holds_them_all(limits, data):
    """A bound is the last quantity of its tier; where prices rise with the tiers the price never falls."""
    size = len(limits) + 1
    each, flats = (sorted(data.draw(st.lists(prices, min_size=size, max_size=size))) for _ in range(2))
    of = tiered("volume", limits, each, flats)
    for number, limit in enumerate(limits):
        assert exact(of, limit) == Fraction(limit) * Fraction(each[number]) + Fraction(flats[number])
        above = limit + STEP
        if number + 1 == len(limits) or above <= limits[number + 1]:
            following = Fraction(above) * Fraction(each[number + 1]) + Fraction(flats[number + 1])
            assert exact(of, above) == following >= exact(of, limit)


@given(
    st.integers(), st.sampled_from(["per_unit", "package", "graduated", "graduated_percentage"]), fine, fine
)
@example(0, "package", Decimal(10), Decimal(10) + STEP)
def test_more_units_never_cost_less(seed, model, one, other):
    """With included units and a maximum too. `volume` may fall where a higher tier is cheaper, by its rule."""
    of = charge(random_charge(random.Random(seed), "m", model) | {"where": {}})
    less, more = sorted([one, other])
    assert 0 <= exact(of, less) <= exact(of, more)
    assert exact(of, Decimal(0)) == 0


@given(st.integers(), st.lists(st.decimals(0, 1000, places=3), max_size=8), st.decimals(0, 1000, places=12))
def test_another_event_of_a_percentage_never_costs_less(seed, amounts, more):
    of = charge(random_charge(random.Random(seed), "m", "percentage") | {"where": {}})
    before, after = (
        price(of, Usage(Decimal(0), tuple(events))).exact for events in (amounts, [*amounts, more])
    )
    assert 0 <= before <= after


@given(st.integers(), st.sampled_from(["0.3", "1", "7", "1000"]), st.integers(0, 50))
def test_a_package_costs_the_same_from_its_first_unit_to_its_last(seed, size, number):
    data = random_charge(random.Random(seed), "m", "package") | {"where": {}, "package_size": size}
    of = charge({key: value for key, value in data.items() if key != "included"})
    begun, full = number * Decimal(size) + STEP, (number + 1) * Decimal(size)
    assert exact(of, begun) == exact(of, full)
