"""What reading a catalogue says of a fault: the whole sentence, with the values and bounds that are in it."""

from decimal import Decimal

import pytest

from billing.pricing.parse import parse_catalog
from billing.pricing.reading.fields import suggestion
from tests.pricing.test_parse_problems import ABSENT, CHARGE, TIER, broken, problems_of

MODELS = "per_unit, package, graduated, volume, percentage, graduated_percentage"
METER_KEYS = "aggregation, archived, code, dimensions, event_type, footprint, name, unit, unit_code, value"
OTHER = {"meter": "output_tokens", "model": "per_unit", "unit_price": "1"}

SENTENCES = [
    ("meters", [{}] * 10_001, "10001 entries are too many: at most 10000 are allowed."),
    ("meters[0]", 5, f"expected a mapping with {METER_KEYS}."),
    (
        "meters[0].aggregation",
        "sums",
        "write one of count, sum, max, unique, latest, time_weighted. Did you mean sum?",
    ),
    (
        "meters[0].aggregation",
        ABSENT,
        "missing: write one of count, sum, max, unique, latest, time_weighted.",
    ),
    ("meters[0].aggregation", 5, "write one of count, sum, max, unique, latest, time_weighted."),
    ("meters[0].event_type", ABSENT, "missing: write the type of the events it listens to."),
    ("meters[0].value", ABSENT, "missing: sum needs the property of data to aggregate."),
    ("meters[0].value", "x" * 101, "too long: at most 100 characters."),
    ("meters[0].dimensions[1]", "model", "model is listed twice: remove one."),
    (
        "meters[0].dimensions",
        [str(n) for n in range(21)],
        "21 entries are too many: at most 20 are allowed.",
    ),
    ("meters[0].footprint", "low", "expected a mapping with grams_co2e_per_unit, source."),
    ("meters[0].footprint.grams_co2e_per_unit", ABSENT, "missing: it is required."),
    ("plans[0].version", 2**31, "write a whole number from 1 to 2147483647."),
    ("plans[0].trial_days", 3651, "write a whole number from 0 to 3650."),
    ("plans[0].currency", ABSENT, "missing: write an ISO 4217 code, such as EUR."),
    ("plans[0].currency", "EURO", "write an active ISO 4217 currency code, such as EUR."),
    ("plans[0].interval", ABSENT, "missing: write one of week, month, quarter, year."),
    ("plans[0].interval", "mont", "write one of week, month, quarter, year. Did you mean month?"),
    ("plans[0].base_price", "1.005", "EUR has 2 digits after the point: round the amount to them."),
    ("plans[0].charges", [OTHER] * 201, "201 entries are too many: at most 200 are allowed."),
    ("plans[0].name", "  ", "must not be empty."),
    ("plans[0].name", {}, "must not be empty: write a text, or one for each language."),
    ("plans[0].name", "x" * 201, "too long: at most 200 characters."),
    ("plans[0].name", 10**80, f"expected text, not 1{'0' * 59}: write text in quotes."),
    ("plans[0].name", ["x"], "expected text, not a list or a mapping: write text in quotes."),
    (
        "plans[0].name",
        {"in english": "x"},
        "'in english' is no language tag: write one such as en or fr.",
    ),
    ("plans[0].name", "a\u2028b", "remove the character U+2028: it cannot be shown safely."),
    ("plans[0].name", "a\u2029b", "remove the character U+2029: it cannot be shown safely."),
    (f"{CHARGE}.meter", "output_token", "no meter has the code output_token. Did you mean output_tokens?"),
    (f"{CHARGE}.meter", ABSENT, "missing: write the code of a meter."),
    (f"{CHARGE}.model", "per_units", f"write one of {MODELS}. Did you mean per_unit?"),
    (f"{CHARGE}.model", ABSENT, f"missing: write one of {MODELS}."),
    (f"{CHARGE}.tax", "fr-2", "no tax has the code fr-2. Did you mean fr-20?"),
    (
        "plans[0].charges[2].unit_price",
        "1",
        "does not go with the model percentage, which takes fixed_fee, included_amount, included_events, "
        "maximum_per_event, minimum_per_event, rate: remove it.",
    ),
    (
        "plans[0].charges[2].included_events",
        10**12 + 1,
        "write a whole number from 0 to 1000000000000.",
    ),
    ("plans[0].charges[2].rate", "1000.1", "must be a percentage of at most 1000."),
    (
        f"{CHARGE}.where.modell",
        ["x"],
        "not a dimension of the meter output_tokens (it has: model, region). Did you mean model?",
    ),
    (f"{CHARGE}.where", ["gpt"], "expected a mapping."),
    (f"{CHARGE}.where", {5: ["x"]}, "the key 5 is not text: write it in quotes."),
    (f"{CHARGE}.where.model", ["x"] * 1001, "1001 values are too many: at most 1000 are allowed."),
    (f"{CHARGE}.where.model", ["x" * 1001], "too long: at most 1000 characters."),
    (
        f"{CHARGE}.where.model",
        [],
        "an empty list matches nothing: list the values, or remove the key.",
    ),
    (f"{CHARGE}.where.model", None, "missing: list the values that match."),
    (
        f"{CHARGE}.where",
        {"model": ["gpt-4"]},
        "plans[0].charges[0] can match the same event: make the filters exclude each other.",
    ),
    (f"{CHARGE}.unit_price", "1" * 27, "too large: at most 26 digits before the point."),
    (f"{CHARGE}.unit_price", "0.0000000000001", "too fine: at most 12 digits after the point."),
    (f"{CHARGE}.unit_price", "1.0000000000001", "too fine: at most 12 digits after the point."),
    (
        f"{CHARGE}.unit_price",
        Decimal("1e-999999999999999999"),  # written out it would fill any memory
        "too fine: at most 12 digits after the point.",
    ),
    (TIER, [{"unit_price": 1}] * 1001, "1001 entries are too many: at most 1000 are allowed."),
    (f"{TIER}[0].up_to", None, "only the last tier is open: write the tier's highest quantity."),
    (f"{TIER}[1].up_to", "2000000", "the last tier must be open: write null."),
    (f"{TIER}[0].rate", "1", "does not go with the model graduated: write unit_price instead."),
    ("taxes[0].rate", "0", "must be more than 0 in category S: change the rate or the category."),
    ("taxes[0].rate", "100.1", "must be a percentage of at most 100."),
    ("taxes[0].rate", "1.0000001", "too fine: at most 6 digits after the point."),
    ("taxes[0].rate", ABSENT, 'missing: write the percentage, such as "20".'),
    ("taxes[0].country", ABSENT, "missing: write two capital letters (ISO 3166-1), such as FR."),
    ("taxes[0].category", ABSENT, "missing: write one of S, Z, E, AE, K, G, O."),
    ("taxes[0].valid_from", "20140101", "write a day of the calendar as YYYY-MM-DD."),
    ("coupons[0].periods", 1201, "write a whole number from 1 to 1200."),
    ("coupons[0].percent", "0", "must be more than 0."),
]


@pytest.mark.parametrize(("path", "value", "sentence"), SENTENCES, ids=range(len(SENTENCES)))
def test_a_fault_is_told_in_a_whole_sentence(path, value, sentence):
    assert problems_of(broken(path, value))[path] == sentence


GOOD = [
    ("plans[0].version", 2**31 - 1),
    ("plans[0].trial_days", "3650"),
    ("plans[0].charges[2].included_events", 10**12),
    ("plans[0].charges[2].rate", "1000"),
    (f"{CHARGE}.unit_price", "9" * 26),
    (f"{CHARGE}.unit_price", "0.000000000001"),
    (f"{CHARGE}.unit_price", "0.0000000000000"),
    (f"{CHARGE}.unit_price", Decimal("0E+99")),
    (f"{CHARGE}.where.model", ["x" * 1000]),
    (f"{CHARGE}.where.model", ["x"] * 1000),
    ("taxes[0].rate", "100"),
    ("taxes[0].rate", "0.000001"),
    ("coupons[0].percent", "100"),
    ("coupons[0].periods", 1200),
    ("coupons[0].periods", 1),
    ("plans[0].name", "x" * 200),
    ("meters[0].value", "x" * 100),
]


@pytest.mark.parametrize(("path", "value"), GOOD, ids=range(len(GOOD)))
def test_the_last_value_that_is_good(path, value):
    assert parse_catalog(broken(path, value))[1] == []


def test_bounds_may_be_equal_and_are_told_without_exponents():
    bounded = {**OTHER, "minimum_amount": "10", "maximum_amount": "10"}
    assert parse_catalog(broken("plans[1].charges", [bounded]))[1] == []
    found = problems_of(broken("plans[1].charges", [{**bounded, "maximum_amount": "0.0000001"}]))
    assert list(found.values()) == ["must not be more than maximum_amount (0.0000001)."]
    row = {"up_to": "0.0000001", "unit_price": 1}
    found = problems_of(broken(TIER, [row, row, {"unit_price": 1}]))
    assert list(found.values()) == ["must be more than the 0.0000001 of the tier before."]


def test_tiers_of_percentages_ask_for_rates():
    data = broken("plans[0].charges[0].model", "graduated_percentage")
    data["plans"][0]["charges"][0]["tiers"] = [{"up_to": 1, "unit_price": 1}, {"up_to": None}]
    assert problems_of(data) == {
        f"{TIER}[0].unit_price": "does not go with the model graduated_percentage: write rate instead.",
        f"{TIER}[1].rate": "missing: write rate, flat_price or both.",
    }


def test_what_is_missing_or_unreadable_leads_to_no_other_fault():
    data = {"catalog": 1, "meters": [{}, {}], "coupons": [{}, {}]}
    steps = [path for path in problems_of(data) if path.endswith(".code")]
    assert steps == ["meters[0].code", "meters[1].code", "coupons[0].code", "coupons[1].code"]
    missing = "missing: it is required."
    assert {problems_of(data)[step] for step in steps} == {missing}
    # A meter that counts has no value, and a percentage may price what it measures.
    assert list(problems_of(broken("meters[1].aggregation", "counts"))) == ["meters[1].aggregation"]
    unknown = [{**OTHER, "code": code, "meter": "output"} for code in "ab"]
    assert list(problems_of(broken("plans[1].charges", unknown))) == [
        "plans[1].charges[0].meter",
        "plans[1].charges[1].meter",
    ]


def test_an_overlap_is_told_once():
    same = [{**OTHER, "code": code} for code in "abc"]
    _, problems = parse_catalog(broken("plans[1].charges", same))
    assert [problem.path for problem in problems] == [
        "plans[1].charges[1].where",
        "plans[1].charges[2].where",
    ]


def test_only_the_first_faults_have_hints():
    _, problems = parse_catalog({"catalog": 1, **{f"plan{number}": 0 for number in range(40)}})
    assert problems[29].message == "unknown key: remove it. Did you mean plans?"
    assert problems[30].message == "unknown key: remove it."


def test_long_keys_are_clipped_and_strange_ones_quoted():
    assert list(problems_of({"catalog": 1, "a b" * 50: 1})) == [repr("a b" * 33 + "a")]
    assert list(problems_of({"catalog": 1, "_": 1})) == ["'_'"]
    assert problems_of({"catalog": 1, 10**80: 1}) == {
        "top level": f"the key 1{'0' * 59} is not text: write it in quotes."
    }


def test_what_is_alike_is_looked_for_among_so_many_words_and_in_so_many_letters():
    others = [str(number) for number in range(200)]
    assert suggestion("tean", [*others[:199], "team"]) == " Did you mean team?"
    assert suggestion("tean", [*others, "team"]) == ""
    # 30 letters alike, of 60 and 40: just enough.
    assert suggestion("a" * 30 + "c" * 40, ["a" * 30 + "b" * 10]) != ""


def test_missing_and_strange_keys_are_told_in_order():
    data = broken(
        CHARGE, {"meter": "output_tokens", "model": "package", "tiers": [], "rate": 1, "fixed_fee": 1}
    )
    steps = [path.removeprefix(f"{CHARGE}.") for path in problems_of(data)]
    assert steps[:5] == ["package_price", "package_size", "fixed_fee", "rate", "tiers"]


def test_tiers_of_an_unknown_model_may_have_rates():
    data = broken("plans[0].charges[0].model", "tiered")
    data["plans"][0]["charges"][0]["tiers"] = [{"up_to": None, "rate": "1"}]
    assert list(problems_of(data)) == ["plans[0].charges[0].model"]
