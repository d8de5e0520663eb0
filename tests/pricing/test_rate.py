"""`rate`: spans go on from where the period stood, minimums are per period, and lines say what they are."""

import dataclasses
import random
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.charges import Usage, localized
from billing.pricing.lines import Before
from billing.pricing.money import CurrencyError
from billing.pricing.rate import Span, rate
from tests.pricing.samples import END, MIDDLE, MODELS, START, TIERS, events, plan, span, used
from tests.pricing.test_oracle import exact_sum, random_charge

amounts = st.lists(st.decimals(-50, 1000, places=3), max_size=12)


def total(lines):
    """The exact sum, as a Fraction: amounts may have more digits than the default decimal context adds up."""
    return sum((Fraction(line.amount) for line in lines), Fraction(0))


def split(of, values, cuts):
    """The spans of one plan whose events are `values`, changed to itself at each of `cuts`."""
    edges = [0, *sorted(cuts), len(values)]
    share = Fraction(1, len(edges) - 1)
    sides = [Usage(exact_sum(values[:edge]), tuple(values[:edge])) for edge in edges]
    return [span(of, before, upto, share=share) for before, upto in pairwise(sides)]


@given(st.integers(), amounts, st.data())
def test_changing_between_equal_prices_changes_nothing(seed, values, data):
    same = plan(random_charge(random.Random(seed), "m") | {"where": {}})
    cuts = data.draw(st.lists(st.integers(0, len(values)), max_size=8))
    assert total(rate(split(same, values, cuts))) == total(rate(split(same, values, [])))


@given(amounts, st.data())
def test_levels_that_go_up_and_down_change_nothing_either(levels, data):
    same = plan({"model": "graduated", "tiers": TIERS, "minimum_amount": "40"})
    cuts = sorted(data.draw(st.lists(st.integers(0, len(levels)), max_size=8)))
    sides = [Usage([Decimal(0), *levels][cut]) for cut in [0, *cuts, len(levels)]]
    share = Fraction(1, len(cuts) + 1)
    spans = [span(same, before, upto, share=share) for before, upto in pairwise(sides)]
    lines = rate(spans)
    assert total(lines) == total(rate([span(same, None, sides[-1])]))
    assert all(line.amount >= 0 for line in lines)


@pytest.mark.parametrize("data", MODELS.values(), ids=MODELS)
def test_every_model_goes_on_from_where_the_period_stood(data):
    values = [Decimal(value) for value in (4, 7, 2, 9)]
    whole, parts = rate(split(plan(data), values, [])), rate(split(plan(data), values, [1, 3]))
    assert total(parts) == total(whole)
    assert sum(line.quantity for line in parts) == whole[0].quantity == 22


def test_a_later_span_prices_its_part_of_the_period_by_its_own_plan():
    old, new = (
        plan({"model": "graduated", "tiers": TIERS}),
        plan({"model": "per_unit", "unit_price": "2"}, version=2),
    )
    first, second = rate([span(old, None, used(12), end=MIDDLE), span(new, used(12), used(21), start=MIDDLE)])
    assert (first.amount, first.quantity, first.version, first.end) == (115, 12, 1, MIDDLE)
    assert (second.amount, second.quantity, second.version, second.start) == (18, 9, 2, MIDDLE)


def test_the_working_of_a_later_span_is_what_it_adds_to_each_tier():
    line = rate([span(plan({"model": "graduated", "tiers": TIERS}), used(5), used(25))])[0]
    rows = [(row.up_to, row.quantity, row.flat_price, row.amount) for row in line.tiers]
    assert rows == [(10, 5, 0, 50), (20, 10, 3, 53), (None, 5, 0, 5)]
    assert line.exact_amount == 108


def test_tiers_that_were_full_before_are_no_part_of_the_working():
    (line,) = rate([span(plan(MODELS["graduated"]), used(12), used(15))])
    assert [(row.up_to, row.quantity, row.amount) for row in line.tiers] == [(20, 3, 15)]
    (line,) = rate([span(plan(MODELS["graduated_percentage"]), used(4), used(11))])
    assert [(row.rate, row.quantity, row.flat_price) for row in line.tiers] == [(1, 6, 0), (3, 1, 400)]


def test_a_later_line_says_what_it_goes_on_from():
    of = plan({"model": "graduated", "tiers": TIERS})
    first, later = rate([span(of, None, used(5)), span(of, used(5), used(25))])
    assert (first.before, "before" in first.as_data("en")) == (None, False)
    assert later.as_data("en")["before"] == {"quantity": "5", "amount": "52.00", "exact_amount": "52"}


def test_what_a_line_goes_on_from_is_rounded_as_lines_are_and_never_below_zero():
    (line,) = rate([span(plan({"model": "per_unit", "unit_price": "0.027000000001"}), used("0.5"), used(2))])
    assert line.before == Before(Decimal("0.5"), Decimal("0.01"), Decimal("0.013500000001"))
    shares = plan({"model": "percentage", "rate": "10"})
    (line,) = rate([span(shares, events(-3), events(-3, 10))])
    assert line.before.as_data() == {"quantity": "0", "amount": "0.00", "exact_amount": "0"}


def test_units_that_move_to_another_tier_are_shown_taken_back():
    line = rate([span(plan({"model": "volume", "tiers": TIERS}), used(2), used(11))])[0]
    assert [(row.up_to, row.quantity, row.amount) for row in line.tiers] == [(20, 11, 58), (10, -2, -22)]
    assert line.amount == 36


def test_a_price_that_falls_takes_nothing_back_from_other_prices():
    old, new = plan({"model": "per_unit", "unit_price": "3"}), plan({"model": "volume", "tiers": TIERS})
    first, line = rate([span(old, None, used(10)), span(new, used(10), used(11))])
    assert (first.amount, line.amount, line.exact_amount, line.quantity) == (30, 0, 0, 1)
    assert str(line.amount) == "0.00"
    assert [(row.kind, row.amount) for row in line.tiers] == [("tier", 58), ("tier", -102), ("fall", 44)]


def test_a_price_that_falls_at_equal_prices_takes_back_what_was_added():
    same = plan({"model": "volume", "tiers": TIERS})
    first, second, third = rate(
        [span(same, None, used(5)), span(same, used(5), used(10)), span(same, used(10), used(11))]
    )
    assert [line.amount for line in (first, second, third)] == [52, 6, 0]
    assert [(row.kind, row.amount) for row in second.tiers] == [("tier", 50), ("fall", -44)]
    renamed = plan(
        {"model": "volume", "tiers": TIERS, "name": "Traffic", "minimum_amount": "0", "tax": "t"}, version=2
    )
    in_other_words = dataclasses.replace(renamed.charges[0], unit={"en": "Mo"})
    renamed = dataclasses.replace(renamed, charges=(in_other_words,))
    assert total(rate([span(same, None, used(10)), span(renamed, used(10), used(11))])) == 58


def test_usage_that_does_not_go_on_is_priced_apart():
    same = plan({"model": "volume", "tiers": TIERS})
    assert [line.amount for line in rate([span(same, None, used(10)), span(same, used(12), used(11))])] == [
        102,
        0,
    ]


@given(st.integers(), amounts, st.integers(0, 12))
def test_the_rows_of_a_line_sum_to_its_exact_amount(seed, values, cut):
    of = plan(random_charge(random.Random(seed), "m") | {"where": {}})
    for line in rate(split(of, values, [min(cut, len(values))])):
        if line.kind == "usage":
            worked = sum((Fraction(row.amount) for row in line.tiers), Fraction(0))
            assert abs(worked - Fraction(line.exact_amount)) <= Fraction(1, 2 * 10**12)


def test_both_ends_of_a_later_line_are_rounded_before_they_are_subtracted():
    line = rate([span(plan({"model": "per_unit", "unit_price": "0.005"}), used(1), used(2))])[0]
    assert (line.amount, line.exact_amount) == (0, Decimal("0.005"))


def test_exact_amounts_have_twelve_decimals():
    line = rate([span(plan({"model": "per_unit", "unit_price": "0.000000000001"}), None, used("0.5"))])[0]
    assert str(line.exact_amount) == "1E-12"
    assert line.as_data("en")["exact_amount"] == "0.000000000001"


def test_charges_without_usage_have_no_line():
    of = plan({"model": "per_unit", "unit_price": "1"})
    assert rate([]) == ()
    assert rate([Span(of, START, END, {}, {}, Fraction(1))]) == ()
    assert rate([span(of, used(3), used(3)), span(of, None, used(-3))]) == ()
    assert rate([span(plan(MODELS["percentage"]), events(1), events(1))]) == ()


def test_events_that_cancel_each_other_are_usage_all_the_same():
    (line,) = rate([span(plan({"model": "percentage", "rate": "10", "fixed_fee": "1"}), None, events(5, -5))])
    assert (line.amount, line.quantity) == (2, 0)


def test_a_quantity_below_zero_is_none():
    of = plan({"model": "per_unit", "unit_price": "2"})
    up, down = rate([span(of, used(-5), used(3)), span(of, used(3), used(-4))])
    assert (up.quantity, down.quantity) == (3, -3)


def test_free_usage_has_a_line_of_zero():
    line = rate([span(plan({"model": "per_unit", "unit_price": "1", "included": "5"}), None, used(3))])[0]
    assert (line.amount, line.quantity, line.tiers[0].kind) == (0, 3, "included")


def test_a_minimum_is_the_rounded_minimum_less_the_rounded_usage():
    of = plan({"model": "per_unit", "unit_price": "0.333", "minimum_amount": "10.005"})
    usage, minimum = rate([span(of, None, used(10))])
    assert (usage.kind, usage.amount) == ("usage", Decimal("3.33"))
    assert (minimum.kind, minimum.charge, minimum.amount) == ("minimum", "m", Decimal("6.68"))
    assert (minimum.quantity, minimum.exact_amount, minimum.tiers) == (0, Decimal("6.675"), ())


def test_a_minimum_that_is_just_reached_has_no_line():
    of = plan({"model": "per_unit", "unit_price": "2", "minimum_amount": "10"})
    assert [line.kind for line in rate([span(of, None, used(5))])] == ["usage"]
    assert [line.kind for line in rate([span(of, None, used("4.995"))])] == ["usage", "minimum"]


def test_a_minimum_is_due_without_usage_and_prorated_by_the_share():
    of = plan({"model": "per_unit", "unit_price": "1", "minimum_amount": "10"})
    (line,) = rate([span(of, None, None, end=MIDDLE, share=Fraction(1, 3))])
    assert (str(line.amount), line.exact_amount) == ("3.33", Decimal("3.333333333333"))
    assert rate([span(of, None, used(4), share=Fraction(1, 3))])[0].amount == 4
    assert rate([span(of, None, None, end=START, share=Fraction(0))]) == ()


def test_a_minimum_is_compared_with_the_usage_of_all_its_spans():
    asks = plan({"model": "per_unit", "unit_price": "1", "minimum_amount": "10"})
    halves = [
        span(asks, None, None, end=MIDDLE, share=Fraction(1, 2)),
        span(asks, None, used(4), start=MIDDLE, share=Fraction(1, 2)),
    ]
    usage, minimum = rate(halves)
    assert (usage.amount, minimum.amount) == (4, 6)
    assert (minimum.start, minimum.end) == (START, END)
    silent = plan({"model": "per_unit", "unit_price": "1"})
    changed = rate([dataclasses.replace(halves[0], plan=silent, upto={"m": used(9)}), halves[1]])
    assert [(line.kind, line.amount) for line in changed] == [("usage", 9), ("usage", 4), ("minimum", 1)]


def test_a_minimum_that_only_rounding_leaves_open_has_no_negative_exact_amount():
    one, two = (
        plan({"model": "per_unit", "unit_price": price, "minimum_amount": "0.0055"})
        for price in ("0.004", "0.002")
    )
    half = Fraction(1, 2)
    *usage, minimum = rate([span(one, None, used(1), share=half), span(two, used(1), used(2), share=half)])
    assert [(line.amount, line.exact_amount) for line in usage] == [
        (0, Decimal("0.004")),
        (0, Decimal("0.002")),
    ]
    assert (minimum.kind, minimum.amount, minimum.exact_amount) == ("minimum", Decimal("0.01"), 0)


def test_a_line_has_its_charges_tax_or_its_plans():
    own = plan({"model": "per_unit", "unit_price": "1", "tax": "fr-5"}, tax="fr-20")
    inherited = plan({"model": "per_unit", "unit_price": "1"}, tax="fr-20")
    assert [rate([span(of, None, used(1))])[0].tax for of in (own, inherited)] == ["fr-5", "fr-20"]


def test_one_period_has_one_currency():
    data = {"model": "per_unit", "unit_price": "1"}
    with pytest.raises(CurrencyError, match="one currency"):
        rate([span(plan(data), None, used(1)), span(plan(data, currency="USD"), used(1), used(2))])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"start": datetime(2026, 2, 1)}, "offset"),
        ({"end": datetime(2026, 2, 1)}, "offset"),
        ({"end": START - timedelta(seconds=1)}, "before it starts"),
        ({"share": Fraction(-1, 28)}, "between 0 and 1"),
        ({"share": Fraction(29, 28)}, "between 0 and 1"),
    ],
)
def test_spans_that_make_no_sense_are_refused(keys, message):
    with pytest.raises(ValueError, match=message):
        span(plan(), None, None, **keys)


def test_a_line_as_data_is_the_contracts():
    paris = timezone(timedelta(hours=1))
    of = plan(
        {"model": "per_unit", "unit_price": "0.5", "name": {"en": "Traffic", "fr": "Trafic"}}, currency="JPY"
    )
    line = rate([span(of, None, used("1.50"), start=START.astimezone(paris))])[0]
    assert line.as_data("fr-FR") == {
        "kind": "usage",
        "charge": "m",
        "meter": "m",
        "description": "Trafic",
        "period": {"start": "2026-02-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"},
        "quantity": "1.5",
        "unit": "MB",
        "amount": "1",
        "exact_amount": "0.75",
        "tiers": [
            {
                "up_to": None,
                "quantity": "1.5",
                "unit_price": "0.5",
                "flat_price": "0",
                "amount": "0.75",
                "kind": "tier",
            }
        ],
    }


@pytest.mark.parametrize(
    ("texts", "locale", "text"),
    [
        ({"fr-CA": "courriel", "fr": "mail", "en": "mail"}, "fr-CA", "courriel"),
        ({"fr": "jeton", "en": "token"}, "fr_FR", "jeton"),
        ({"fr": "jeton", "en": "token"}, "de", "token"),
        ({"fr": "jeton", "und": "T"}, "de", "T"),
        ({"fr": "jeton"}, "de", "jeton"),
        ({}, "de", ""),
    ],
)
def test_texts_fall_back_to_the_nearest_language(texts, locale, text):
    assert localized(texts, locale) == text


def test_rounding_happens_once_at_the_line():
    line = rate([span(plan({"model": "per_unit", "unit_price": "0.0045"}), None, used(3))])[0]
    assert (line.amount, line.exact_amount) == (Decimal("0.01"), Decimal("0.0135"))
