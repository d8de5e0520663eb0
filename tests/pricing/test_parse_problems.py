"""Bad catalogues: every fault has its path and a sentence on how to mend it, all at once, and nothing is loaded."""

import copy
from datetime import date
from decimal import Decimal

import pytest

from billing.pricing.catalog import Catalog, TaxDef
from billing.pricing.parse import WHOLE, Problem, parse_catalog
from tests.pricing.test_parse import CATALOG

ABSENT = object()
CHARGE = "plans[0].charges[1]"


def broken(path, value):
    """The good catalogue with the value at `path` (as problems write it) set, or taken out."""
    data = copy.deepcopy(CATALOG)
    *steps, last = [
        int(step) if step.isdigit() else step for step in path.replace("]", "").replace("[", ".").split(".")
    ]
    at = data
    for step in steps:
        at = at[step]
    if value is ABSENT:
        del at[last]
    elif isinstance(at, list) and last == len(at):
        at.append(value)
    else:
        at[last] = value
    return data


def problems_of(data):
    catalog, problems = parse_catalog(data)
    assert catalog == Catalog()
    assert all(problem.message.endswith((".", "?")) for problem in problems), problems
    return {problem.path: problem.message for problem in problems}


WRONG = [
    ("catalog", ABSENT, "write catalog: 1"),
    ("catalog", 2, "write catalog: 1"),
    ("catalog", True, "write catalog: 1"),
    ("meters", {"code": "m"}, "expected a list"),
    ("meters", [{}] * 10_001, "10001 entries are too many"),
    ("colour", 1, "unknown key"),
    # meters
    ("meters[0].code", ABSENT, "missing"),
    ("meters[0].code", "a b", "write a code"),
    ("meters[0].code", 5, "write a code"),
    ("meters[0].aggregation", "sums", "Did you mean sum"),
    ("meters[0].aggregation", ["sum"], "write one of"),
    ("meters[0].aggregation", ABSENT, "missing"),
    ("meters[0].event_type", "", "empty"),
    ("meters[0].value", ABSENT, "sum needs the property"),
    ("meters[0].value", "x" * 101, "too long"),
    ("meters[1].value", "size", "counting needs no value"),
    ("meters[0].dimensions[1]", "model", "listed twice"),
    ("meters[0].dimensions[1]", 5, "expected text, not 5"),
    ("meters[0].dimensions", [str(number) for number in range(21)], "at most 20"),
    ("meters[0].unit_code", "each", "Recommendation 20"),
    ("meters[0].footprint.grams_co2e_per_unit", "-1", "must not be negative"),
    ("meters[0].footprint.grams_co2e_per_unit", ABSENT, "missing"),
    ("meters[0].footprint.grammes", "1", "unknown key"),
    ("meters[0].footprint", "low", "expected a mapping"),
    ("meters[0].archived", "yes", "true or false"),
    ("meters[1].code", "output_tokens", "the code of meters[0] too"),
    # plans
    ("plans[0].name", "", "must not be empty"),
    ("plans[0].name", {}, "must not be empty"),
    ("plans[0].name", {"in english": "Team"}, "no language tag"),
    ("plans[0].name", {5: "Team"}, "5 is no language tag"),
    ("plans[0].name", {"en": ["Team"]}, "not a list or a mapping"),
    ("plans[0].name", "a\u202ecod.exe", "U+202E"),
    ("plans[0].name", "a\x00", "U+0000"),
    ("plans[0].name", "a\ud800", "U+D800"),
    ("plans[0].name", "x" * 201, "at most 200"),
    ("plans[0].currency", "XXX", "ISO 4217"),
    ("plans[0].currency", "EURO", "ISO 4217"),
    ("plans[0].currency", ABSENT, "missing"),
    ("plans[0].interval", "P0M", "write one of week"),
    ("plans[0].base_price", "-1", "must not be negative"),
    ("plans[0].base_price", "1.005", "EUR has 2 digits"),
    ("plans[1].minimum_spend", "0.5", "JPY has 0 digits"),
    ("plans[0].trial_days", 10**9, "from 0 to 3650"),
    ("plans[0].trial_days", "1.5", "a whole number"),
    ("plans[0].public", 1, "true or false"),
    ("plans[0].tax", "fr-21", "Did you mean fr-20"),
    ("plans[0].version", 0, "a whole number"),
    ("plans[0].charges", "none", "expected a list"),
    ("plans[0].charges[0]", "free", "expected a mapping"),
    ("plans[1].code", "team", "the code of plans[0] too"),
    # charges
    (f"{CHARGE}.meter", "output_token", "Did you mean output_tokens"),
    (f"{CHARGE}.meter", ABSENT, "missing"),
    (f"{CHARGE}.model", "per_units", "Did you mean per_unit"),
    (f"{CHARGE}.model", ABSENT, "missing"),
    (f"{CHARGE}.unit_price", ABSENT, "the model per_unit needs it"),
    (f"{CHARGE}.unit_price", None, "the model per_unit needs it"),
    (f"{CHARGE}.tiers", [{"up_to": None, "unit_price": "1"}], "does not go with the model per_unit"),
    (f"{CHARGE}.rate", "1", "does not go with the model per_unit, which takes unit_price"),
    (f"{CHARGE}.unit_prize", "1", "Did you mean unit_price"),
    (f"{CHARGE}.unit_price", 0.1, "floats are not exact"),
    (f"{CHARGE}.unit_price", "1e999", "write a decimal number"),
    (f"{CHARGE}.unit_price", Decimal("1e999999"), "too large"),
    (f"{CHARGE}.unit_price", Decimal("1e-999999"), "too fine"),
    (f"{CHARGE}.unit_price", Decimal("NaN"), "finite"),
    (f"{CHARGE}.unit_price", "1,5", "write a decimal number"),
    (f"{CHARGE}.unit_price", "\u0661", "write a decimal number"),
    (f"{CHARGE}.unit_price", "1" * 27, "at most 26 digits"),
    (f"{CHARGE}.unit_price", "0.0000000000001", "at most 12 digits"),
    (f"{CHARGE}.unit_price", "1.0000000000001", "at most 12 digits"),
    (f"{CHARGE}.unit_price", True, "expected a number"),
    (f"{CHARGE}.unit_price", [1], "expected a number"),
    (f"{CHARGE}.included", "-1", "must not be negative"),
    (f"{CHARGE}.tax", "none", "no tax has the code none"),
    (f"{CHARGE}.where.modell", ["x"], "not a dimension of the meter output_tokens (it has: model, region)"),
    (f"{CHARGE}.where.model", [], "matches nothing"),
    (f"{CHARGE}.where.model", None, "missing"),
    (f"{CHARGE}.where.model", [True], "expected text, not True"),
    (f"{CHARGE}.where.model", ["x" * 1001], "at most 1000"),
    (f"{CHARGE}.where.model", ["x"] * 1001, "1001 values are too many"),
    (f"{CHARGE}.where", ["gpt"], "expected a mapping"),
    (f"{CHARGE}.where", {"model": ["gpt-4"]}, "plans[0].charges[0] can match the same event"),
    (f"{CHARGE}.where", {"region": ["eu"]}, "can match the same event"),
    (f"{CHARGE}.where", ABSENT, "can match the same event"),
    ("plans[0].charges[2].rate", "1001", "at most 1000"),
    ("plans[0].charges[2].included_events", "1.5", "a whole number from 0 to 1000000000000"),
]


@pytest.mark.parametrize(
    ("path", "value", "message"), WRONG, ids=[f"{number}-{path}" for number, (path, *_) in enumerate(WRONG)]
)
def test_one_fault_is_told_at_its_path(path, value, message):
    data = broken(path, value)
    found = problems_of(data)
    assert message in found[path]
    # A meter that does not read takes its charges along; anything else is told alone.
    assert path.startswith("meters") or list(found) == [path]


def test_a_plan_may_say_the_version_that_the_api_shows_with_it():
    assert parse_catalog(broken("plans[0].version", 7)) == parse_catalog(CATALOG)


MANY = {
    "keys": {"catalog": 1, **{f"plan{number}": 0 for number in range(20_000)}},
    "entries": {"catalog": 1, "plans": [{"charge": 0, "plan": 0, "charges": [{}]}] * 10_000},
}


@pytest.mark.parametrize(("kind", "told", "hints"), [("keys", 10_000, 30), ("entries", 10_001, 5)])
def test_reading_stops_where_more_faults_help_nobody(kind, told, hints):
    *problems, last = parse_catalog(MANY[kind])[1]
    assert last == Problem(WHOLE, "there may be more faults: mend these first.")
    assert len(problems) == told
    assert sum("Did you mean" in problem.message for problem in problems) == hints


def test_filters_are_compared_also_after_a_faulty_plan():
    data = broken("plans[0].charges[1].where", {"model": ["gpt-4"]})
    data["plans"].insert(0, {"code": "faulty", "charges": [{"where": 5}, {"where": 5}]})
    assert "can match the same event" in problems_of(data)["plans[1].charges[1].where"]


def test_codes_are_unique_in_their_plan():
    found = problems_of(broken("plans[0].charges[0].code", "output_tokens"))
    assert found == {
        "plans[0].charges[1].code": "output_tokens is the code of plans[0].charges[0] too: give each its own."
    }


def test_a_meter_without_dimensions_says_so():
    found = problems_of(broken("plans[0].charges[2].where", {"model": ["x"]}))
    assert "(it has: none)" in found["plans[0].charges[2].where.model"]


def test_the_filters_of_a_faulty_charge_are_not_compared():
    found = problems_of(broken(f"{CHARGE}.where", {"mode": ["gpt-4"]}))
    assert list(found) == [f"{CHARGE}.where.mode"]


TIER = "plans[0].charges[0].tiers"
TIERS = [
    ([], {TIER: "must not be empty"}),
    ([{"up_to": None, "unit_price": "1"}] * 10_001, {TIER: "at most 1000"}),
    ([{"up_to": 100, "unit_price": 1}, {"up_to": 100, "unit_price": 1}, {"unit_price": 1}],
     {"[1].up_to": "more than the 100"}),
    ([{"up_to": None, "unit_price": 1}, {"up_to": 100, "unit_price": 1}],
     {"[0].up_to": "only the last", "[1].up_to": "must be open"}),
    ([{"up_to": "0", "unit_price": 1}, {"unit_price": 1}], {"[0].up_to": "more than 0"}),
    ([{"up_to": "x", "unit_price": 1}, {"up_to": 5, "unit_price": 1}, {"up_to": 4, "unit_price": 1}], {
        "[0].up_to": "decimal number", "[2].up_to": "must be"}),
    ([{"up_to": None}], {"[0].unit_price": "write unit_price, flat_price or both"}),
    ([{"up_to": None, "rate": "1"}], {"[0].rate": "write unit_price instead"}),
    ([{"up_to": None, "flat_price": "-1"}], {"[0].flat_price": "negative"}),
    (["free"], {"[0]": "expected a mapping"}),
]  # fmt: skip


@pytest.mark.parametrize(("tiers", "expected"), TIERS, ids=range(len(TIERS)))
def test_tiers_increase_and_end_open(tiers, expected):
    found = problems_of(broken(TIER, tiers))
    want = {path if path == TIER else f"{TIER}{path}": message for path, message in expected.items()}
    assert found.keys() == want.keys()
    for path, message in want.items():
        assert message in found[path]


def test_tiers_of_percentages_have_rates():
    data = broken("plans[0].charges[0].model", "graduated_percentage")
    found = problems_of(data)
    assert found.keys() == {f"{TIER}[0].unit_price", f"{TIER}[1].unit_price"}
    data["plans"][0]["charges"][0]["tiers"] = [{"up_to": None, "rate": "1001"}]
    assert list(problems_of(data)) == [f"{TIER}[0].rate"]


def test_an_unknown_model_does_not_make_its_keys_wrong():
    found = problems_of(broken("plans[0].charges[0].model", "tiered"))
    assert list(found) == ["plans[0].charges[0].model"]


CHARGES = [
    ({"model": "package"}, {"package_price": "missing", "package_size": "missing"}),
    ({"model": "package", "package_size": "0", "package_price": "1"}, {"package_size": "more than 0"}),
    ({"model": "volume"}, {"tiers": "the model volume needs it"}),
    ({"model": "percentage"}, {"rate": "the model percentage needs it"}),
    ({"model": "per_unit", "unit_price": "1", "minimum_amount": "100", "maximum_amount": "10"},
     {"minimum_amount": "not be more than maximum_amount (10)"}),
    ({"model": "percentage", "rate": "1", "minimum_per_event": "2", "maximum_per_event": "1"},
     {"minimum_per_event": "not be more than maximum_per_event (1)"}),
]  # fmt: skip


@pytest.mark.parametrize(("charge", "expected"), CHARGES, ids=range(len(CHARGES)))
def test_keys_of_a_charge(charge, expected):
    found = problems_of(broken("plans[1].charges", [{"meter": "output_tokens", **charge}]))
    assert found.keys() == {f"plans[1].charges[0].{key}" for key in expected}
    for key, message in expected.items():
        assert message in found[f"plans[1].charges[0].{key}"]


def test_percentages_need_a_meter_that_sums_or_counts():
    data = broken("meters[0].aggregation", "max")
    data["plans"][0]["charges"] = [{"meter": "output_tokens", "model": "percentage", "rate": "1"}]
    assert "must sum or count, not max" in problems_of(data)["plans[0].charges[0].model"]


TAXES = [
    ({"rate": "-1"}, {"rate": "must not be negative"}),
    ({"rate": "100.1"}, {"rate": "at most 100"}),
    ({"rate": "1.0000001"}, {"rate": "at most 6 digits"}),
    ({"rate": "0"}, {"rate": "must be more than 0 in category S"}),
    ({"category": "E"}, {"rate": "must be 0 in category E"}),
    ({"category": "X"}, {"category": "write one of S"}),
    ({"category": "X", "rate": "0"}, {"category": "write one of S"}),
    ({"country": "fr"}, {"country": "ISO 3166-1"}),
    ({"code": None, "rate": None, "country": None, "category": None},
     {"code": "missing", "rate": "missing", "country": "missing", "category": "missing"}),
    ({"valid_from": "2026-02-30"}, {"valid_from": "YYYY-MM-DD"}),
    ({"valid_from": 2026}, {"valid_from": "YYYY-MM-DD"}),
    ({"valid_from": "2026-02-01", "valid_to": "2026-02-01"}, {"valid_to": "must be after valid_from (2026-02-01)"}),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "expected"), TAXES, ids=range(len(TAXES)))
def test_taxes(keys, expected):
    good = {"code": "other", "rate": "20", "country": "FR", "category": "S"}
    found = problems_of(broken("taxes[1]", {**good, **keys}))
    assert found.keys() == {f"taxes[1].{key}" for key in expected}
    for key, message in expected.items():
        assert message in found[f"taxes[1].{key}"]


AFTER = "must not be after {}, when x begins anew: end this one by then, or leave valid_to out."
HISTORIES = [
    ([(None, "2026-01-01"), ("2026-01-01", None)], {}),
    ([("2026-01-01", None), (None, None)], {}),
    ([(None, None), ("2020-07-01", "2021-01-01"), ("2026-01-01", None)], {}),
    ([(None, "2025-01-01"), ("2026-01-01", None)], {}),
    ([(None, None), (None, "2026-01-01")],
     {"taxes[1].code": "x is the code of taxes[0] too: give each its own, "
      "or the later one the valid_from on which it follows."}),
    ([("2026-01-01", None), ("2026-01-01", None)],
     {"taxes[1].valid_from": "x begins on that day in taxes[0] too: remove one."}),
    ([("2026-01-01", None), (None, "2026-01-02")], {"taxes[1].valid_to": AFTER.format("2026-01-01")}),
    ([(None, "2027-01-01"), ("2026-01-01", "2026-02-01"), ("2026-01-31", None)],
     {"taxes[0].valid_to": AFTER.format("2026-01-01"), "taxes[1].valid_to": AFTER.format("2026-01-31")}),
    ([(None, "2027-01-01"), ("2026-02-30", None)],
     {"taxes[1].valid_from": "write a day of the calendar as YYYY-MM-DD."}),
]  # fmt: skip


@pytest.mark.parametrize(("days", "expected"), HISTORIES, ids=range(len(HISTORIES)))
def test_the_entries_of_a_tax_do_not_overlap(days, expected):
    entry = {"code": "x", "rate": "20", "country": "FR", "category": "S"}
    taxes = [{**entry, "valid_from": since, "valid_to": until} for since, until in days]
    taxes.append({**entry, "code": "y", "valid_from": "2026-01-01"})
    found = {problem.path: problem.message for problem in parse_catalog({"catalog": 1, "taxes": taxes})[1]}
    assert found == expected


def test_an_entry_of_a_tax_does_not_overlap_what_is_known_and_takes_the_place_of_its_day():
    entry = {"code": "x", "rate": "20", "country": "FR", "category": "S"}
    days = [("2020-01-01", "2027-01-01"), ("2026-12-31", "2028-01-01"), ("2029-01-01", None)]
    known = [
        TaxDef(**{**entry, "rate": Decimal(20), "name": "x"}, valid_from=since and date.fromisoformat(since),
               valid_to=until and date.fromisoformat(until))
        for since, until in days
    ]  # fmt: skip

    def problems(since, until):
        taxes = [{**entry, "valid_from": since, "valid_to": until}]
        return [str(each) for each in parse_catalog({"catalog": 1, "taxes": taxes}, known_taxes=known)[1]]

    assert problems("2029-01-01", "2030-01-01") == [], (
        "what overlaps among the known ones alone is not of the file"
    )
    assert problems("2020-01-01", "2026-01-01") == []
    (late,) = problems("2027-06-01", None)
    assert late == (
        "taxes[0].valid_from: must not be before 2028-01-01, the end of the stored entry of x: "
        "begin then, or write that entry too, with an earlier valid_to."
    )
    assert "taxes[0].valid_to: must not be after 2020-01-01" in problems("2019-01-01", "2020-01-02")[0]


COUPONS = [
    ({}, {"percent": "either percent, or amount"}),
    ({"percent": "5", "amount": "5", "currency": "EUR"}, {"percent": "either percent, or amount"}),
    ({"percent": "101"}, {"percent": "at most 100"}),
    ({"percent": "0"}, {"percent": "more than 0"}),
    ({"amount": "0", "currency": "EUR"}, {"amount": "more than 0"}),
    ({"amount": "5"}, {"currency": "goes with amount"}),
    ({"percent": "5", "currency": "EUR"}, {"currency": "goes with amount"}),
    ({"amount": "5.001", "currency": "EUR"}, {"amount": "EUR has 2 digits"}),
    ({"percent": "5", "periods": 0}, {"periods": "from 1 to 1200"}),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "expected"), COUPONS, ids=range(len(COUPONS)))
def test_coupons(keys, expected):
    found = problems_of(broken("coupons[1]", {"code": "OTHER", **keys}))
    assert found.keys() == {f"coupons[1].{key}" for key in expected}
    for key, message in expected.items():
        assert message in found[f"coupons[1].{key}"]


@pytest.mark.parametrize("data", [None, [], "catalog: 1", 1])
def test_what_is_no_mapping_is_no_catalogue(data):
    assert list(problems_of(data)) == ["top level"]


def test_keys_that_are_not_text_are_told():
    found = problems_of({"catalog": 1, False: 1, "a b": 2})
    assert found == {
        "top level": "the key False is not text: write it in quotes.",
        "'a b'": "unknown key: remove it.",
    }


def test_every_fault_is_told_at_once():
    data = broken("plans[0].charges[0].tiers[1].up_to", "5")
    data["meters"][0]["aggregation"] = "median"
    data["coupons"][0]["percent"] = "200"
    data["taxes"][0]["country"] = "France"
    assert problems_of(data).keys() == {
        "meters[0].aggregation",
        "plans[0].charges[0].tiers[1].up_to",
        "coupons[0].percent",
        "taxes[0].country",
    }
