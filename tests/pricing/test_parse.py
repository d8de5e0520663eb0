"""Reading the catalogue: what is good reads, round trips and is complete."""

import copy
import random
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.catalog import Catalog, Footprint
from billing.pricing.charges import Tier
from billing.pricing.data import catalog_to_data, charge_to_data, meter_to_data, plan_to_data
from billing.pricing.parse import CatalogError, meter_from_data, parse_catalog, plan_from_data
from tests.pricing.samples import MODELS, meter, plan
from tests.pricing.test_oracle import random_charge

CATALOG = {
    "catalog": 1,
    "meters": [
        {
            "code": "output_tokens",
            "name": {"en": "Output tokens", "fr": "Jetons produits"},
            "unit": {"en": "token", "fr": "jeton"},
            "event_type": "llm.completion",
            "aggregation": "sum",
            "value": "output_tokens",
            "dimensions": ["model", "region"],
            "footprint": {"grams_co2e_per_unit": "0.0003", "source": "a study"},
        },
        {"code": "calls", "event_type": "llm.completion", "aggregation": "count", "archived": True},
    ],
    "plans": [
        {
            "code": "team",
            "name": {"en": "Team", "fr": "Équipe"},
            "currency": "EUR",
            "interval": "month",
            "base_price": "49.00",
            "minimum_spend": "0",
            "trial_days": 14,
            "public": False,
            "tax": "fr-20",
            "charges": [
                {
                    "code": "gpt",
                    "meter": "output_tokens",
                    "where": {"model": ["gpt-4", "gpt-3"], "region": "eu"},
                    "model": "graduated",
                    "tiers": [
                        {"up_to": "1000000", "unit_price": "0"},
                        {"up_to": None, "unit_price": "0.00002", "flat_price": "5.00"},
                    ],
                },
                {
                    "meter": "output_tokens",
                    "where": {"model": [7]},
                    "model": "per_unit",
                    "unit_price": Decimal("0.1"),
                },
                {
                    "meter": "calls",
                    "model": "percentage",
                    "rate": 0,
                    "fixed_fee": "0.01",
                    "included_events": "100",
                },
            ],
        },
        {"code": "free", "currency": "JPY", "interval": "year", "charges": []},
    ],
    "taxes": [
        {
            "code": "fr-20",
            "name": "TVA 20 %",
            "rate": "20",
            "country": "FR",
            "category": "S",
            "valid_from": "2014-01-01",
        },
        {"code": "export", "rate": "0", "country": "US", "category": "G", "valid_to": "2030-01-01"},
    ],
    "coupons": [
        {"code": "WELCOME", "percent": "20", "periods": 3},
        {"code": "TEN", "amount": "10.00", "currency": "EUR", "periods": None},
    ],
}


def read(data=CATALOG, **known) -> Catalog:
    catalog, problems = parse_catalog(copy.deepcopy(data), **known)
    assert problems == []
    return catalog


def test_the_whole_file_reads():
    catalog = read()
    tokens, calls = catalog.meters
    assert (tokens.unit_code, tokens.dimensions, tokens.footprint) == (
        "C62",
        ("model", "region"),
        Footprint(Decimal("0.0003"), "a study"),
    )
    assert (calls.value, calls.archived, calls.name, calls.unit) == (
        None,
        True,
        {"und": "calls"},
        {"und": "unit"},
    )
    team, free = catalog.plans
    assert (team.base_price, team.trial_days, team.public, team.tax, team.version) == (
        49,
        14,
        False,
        "fr-20",
        1,
    )
    assert (free.base_price, free.trial_days, free.public, free.name, free.charges) == (
        0,
        0,
        True,
        {"und": "free"},
        (),
    )
    gpt, other, events = team.charges
    assert gpt.where == {"model": ("gpt-3", "gpt-4"), "region": ("eu",)}
    assert gpt.tiers == (Tier(Decimal(1000000)), Tier(None, Decimal("0.00002"), Decimal(5)))
    assert (gpt.name, gpt.unit, gpt.aggregation) == (tokens.name, tokens.unit, "sum")
    assert (other.code, other.where) == ("output_tokens", {"model": ("7",)})
    assert (events.rate, events.fixed_fee, events.included_events, events.aggregation) == (
        0,
        Decimal("0.01"),
        100,
        "count",
    )
    assert catalog.taxes[0].valid_from == date(2014, 1, 1)
    assert (catalog.coupons[0].percent, catalog.coupons[1].amount, catalog.coupons[1].periods) == (
        20,
        10,
        None,
    )


def test_filters_are_sorted_as_plans_are_compared_by_what_is_stored():
    data = copy.deepcopy(CATALOG)
    data["plans"][0]["charges"][0]["where"] = {"region": list("hgfedcba"), "model": "x"}
    where = read(data).plans[0].charges[0].where
    assert list(where.items()) == [("model", ("x",)), ("region", tuple("abcdefgh"))]


def test_plans_and_coupons_may_be_archived_and_taxes_have_names():
    data = copy.deepcopy(CATALOG)
    data["plans"][0]["archived"] = data["coupons"][0]["archived"] = True
    catalog = read(data)
    assert [plan.archived for plan in catalog.plans] == [True, False]
    assert [coupon.archived for coupon in catalog.coupons] == [True, False]
    assert [tax.name for tax in catalog.taxes] == ["TVA 20 %", "export"]


def test_what_is_written_reads_back_the_same():
    assert read(catalog_to_data(read())) == read()


def test_an_empty_catalogue_is_good():
    assert read({"catalog": 1}) == Catalog()


def test_charges_and_taxes_may_refer_to_what_is_known_already():
    known = read()
    data = {"catalog": 1, "plans": CATALOG["plans"]}
    _, problems = parse_catalog(data)
    assert {problem.path for problem in problems} >= {"plans[0].tax", "plans[0].charges[0].meter"}
    again = read(data, known_meters={meter.code: meter for meter in known.meters}, known_taxes=known.taxes)
    assert again.plans == known.plans


@given(st.integers())
def test_random_plans_read_back_the_same(seed):
    rng = random.Random(seed)
    keys = {
        "base_price": "12.5",
        "minimum_spend": "3",
        "trial_days": 30,
        "archived": rng.random() < 0.5,
        "tax": "t",
    }
    name = rng.choice(["Team", {"fr": "Équipe"}])
    meters = {"m": meter(dimensions=("kind",))}
    data = {
        "code": "p",
        "currency": rng.choice(["EUR", "KWD"]),
        "interval": rng.choice(["week", "quarter"]),
        **keys,
    }
    data |= {"name": name, "charges": [random_charge(rng, code) for code in "abcdef"]}
    plan = plan_from_data(data, meters, version=7)
    assert plan.version == 7
    assert plan_from_data(plan_to_data(plan), meters, version=7) == plan
    assert plan_from_data(plan_to_data(plan, meters), meters, version=7) == plan
    assert plan_to_data(plan)["name"] == name


@pytest.mark.parametrize("data", MODELS.values(), ids=MODELS)
def test_a_charge_says_only_what_its_model_uses(data):
    written = charge_to_data(plan(data).charges[0], meter())
    asked = {"code", "meter", "included", *data}
    optional = {"fixed_fee"} if data["model"] == "percentage" else set()
    assert written.keys() == asked | optional


def test_a_charge_keeps_a_name_of_its_own():
    of = plan({**MODELS["per_unit"], "name": "Traffic", "tax": "t", "minimum_amount": "1"}).charges[0]
    written = charge_to_data(of, meter())
    assert (written["name"], written["tax"], written["minimum_amount"]) == ("Traffic", "t", "1")
    assert charge_to_data(plan(MODELS["per_unit"]).charges[0])["name"] == {"en": "Megabytes"}


def test_a_renamed_meter_does_not_change_a_plan():
    of = plan(MODELS["per_unit"])
    renamed = meter(name={"en": "Transfer"})
    stored = plan_to_data(of, {"m": meter()})
    assert "name" not in stored["charges"][0]
    assert plan_to_data(plan_from_data(stored, {"m": renamed}, version=1), {"m": renamed}) == stored


@pytest.mark.parametrize("footprint", [None, Footprint(Decimal("0.5")), Footprint(Decimal("0.5"), "us")])
def test_meters_read_back_the_same(footprint):
    stored = meter(dimensions=("a", "b"), footprint=footprint, unit_code="KWH", archived=True)
    assert meter_from_data(meter_to_data(stored)) == stored


def test_stored_data_that_does_not_read_raises():
    with pytest.raises(
        CatalogError, match=r"plan\.colour: unknown key: remove it\.; plan\.interval: missing"
    ):
        plan_from_data({"code": "p", "currency": "EUR", "colour": 1}, {}, version=1)
    with pytest.raises(CatalogError, match=r"meter\.event_type: missing") as raised:
        meter_from_data({"code": "m", "aggregation": "count"})
    assert [problem.path for problem in raised.value.problems] == ["meter.event_type"]
