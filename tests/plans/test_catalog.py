"""Loading the catalogue: all or nothing, the same file twice changes nothing, published versions stay."""

from typing import Any

import pytest

from billing.plans.actions import load_catalog
from billing.plans.models import Charge, Coupon, Meter, Plan, PlanVersion, TaxRate
from billing.plans.queries import catalog_data, latest_version, plan_terms, public_plans
from billing.pricing.parse import CatalogError, parse_catalog
from tests.plans.selling import CHARGE, COUPON, METER, TAX, catalog, plan, the_plan

pytestmark = pytest.mark.usefixtures("db")


def changes(data: object) -> list[tuple[Any, ...]]:
    return [tuple(change.as_data().values()) for change in load_catalog(data).changes]


def faults(data: object) -> dict[str, str]:
    with pytest.raises(CatalogError) as caught:
        load_catalog(data)
    return {fault.path: fault.message for fault in caught.value.problems}


def rows() -> int:
    return sum(model.objects.count() for model in (Meter, Plan, PlanVersion, Charge, TaxRate, Coupon))


def test_a_first_load_adds_everything() -> None:
    assert changes(catalog(plan("team", "49.00", tax="fr-20"))) == [
        ("tax", "fr-20", "added"),
        ("coupon", "WELCOME", "added"),
        ("meter", "output_tokens", "added"),
        ("plan", "team", "added"),
        ("plan", "team", "published", 1),
    ]


def test_the_same_file_again_changes_nothing() -> None:
    load_catalog(catalog())
    before = rows()
    again = load_catalog(catalog())
    assert (again.changes, again.meters, rows()) == ([], [], before)


def test_what_is_stored_reads_as_what_was_written() -> None:
    data = catalog(
        plan("team", "49.00", charges=[{**CHARGE, "where": {"model": "gpt-4"}, "maximum_amount": "90"}])
    )
    load_catalog(data)
    written, _ = parse_catalog(data)
    version = latest_version(the_plan("team"))
    assert version is not None
    assert plan_terms(version) == written.plans[0]
    assert plan_terms(version).charges[0].where == {"model": ("gpt-4",)}
    assert dict(plan_terms(version).charges[0].name) == METER["name"]


def test_a_changed_plan_publishes_the_next_version_and_keeps_the_first() -> None:
    load_catalog(catalog(plan("team", "49.00")))
    assert changes(catalog(plan("team", "59.00"))) == [("plan", "team", "published", 2)]
    prices = PlanVersion.objects.filter(plan__code="team").values_list("number", "base_price")
    assert [(number, f"{price:.2f}") for number, price in prices] == [(1, "49.00"), (2, "59.00")]
    first, second = PlanVersion.objects.filter(plan__code="team")
    assert (plan_terms(first).version, plan_terms(second).version) == (1, 2)
    assert plan_terms(first).base_price != plan_terms(second).base_price


def test_going_back_to_old_terms_is_a_version_of_its_own() -> None:
    for price in ("49.00", "59.00", "49.00"):
        load_catalog(catalog(plan("team", price)))
    version = latest_version(the_plan("team"))
    assert version is not None
    assert version.number == 3
    assert plan_terms(version).version == 3


@pytest.mark.parametrize(("key", "value"), [("public", False), ("archived", True)])
def test_who_may_buy_a_plan_is_no_term_of_it(key: str, value: bool) -> None:
    load_catalog(catalog(plan("team", "49.00")))
    action = "archived" if key == "archived" else "changed"
    assert changes(catalog(plan("team", "49.00", **{key: value}))) == [("plan", "team", action)]
    assert [version.plan.code for version in public_plans("EUR")] == []


def test_what_a_later_file_leaves_out_stays() -> None:
    load_catalog(catalog())
    before = rows()
    assert changes({"catalog": 1, "meters": [], "plans": []}) == []
    assert rows() == before


def test_a_later_file_may_refer_to_stored_meters_and_taxes() -> None:
    load_catalog(catalog())
    assert changes({"catalog": 1, "plans": [plan("new", "5.00", tax="fr-20")]})[-1] == (
        "plan",
        "new",
        "published",
        1,
    )


def test_every_fault_is_named_and_nothing_is_stored() -> None:
    data = catalog(plan("team", "-1", interval="fortnight"), plan("scale", "199.00", tax="nowhere"))
    data["plans"][1]["charges"][0]["tiers"][1]["up_to"] = "5"
    data["meters"][0]["aggregation"] = "average"
    found = faults(data)
    assert {
        "meters[0].aggregation",
        "plans[0].base_price",
        "plans[0].interval",
        "plans[1].tax",
        "plans[1].charges[0].tiers[1].up_to",
    } <= set(found)
    assert rows() == 0


@pytest.mark.parametrize(
    ("word", "value"),
    [("aggregation", "max"), ("value", "input_tokens"), ("event_type", "llm.embedding")],
)
def test_a_meter_keeps_what_stored_usage_amounts_to(word: str, value: str) -> None:
    load_catalog(catalog())
    found = faults(catalog(plan("other", "1.00"), meters=[{**METER, word: value}]))
    assert list(found) == [f"meters[0].{word}"]
    assert "code of its own" in found[f"meters[0].{word}"]
    assert not Plan.objects.filter(code="other").exists()


def test_a_meter_keeps_the_dimensions_that_published_prices_filter_on() -> None:
    load_catalog(catalog(plan("team", "49.00", charges=[{**CHARGE, "where": {"region": ["eu"]}}])))
    assert list(faults({"catalog": 1, "meters": [{**METER, "dimensions": ["model"]}]})) == [
        "meters[0].dimensions"
    ]
    assert changes({"catalog": 1, "meters": [{**METER, "dimensions": ["region"]}]}) == [
        ("meter", "output_tokens", "changed")
    ]


def test_new_priced_dimensions_are_reported_so_that_day_totals_are_made_anew() -> None:
    first = load_catalog(catalog(plan("team", "49.00")))
    assert [meter.code for meter in first.meters] == ["output_tokens"], "a new meter"
    filtered = [{**CHARGE, "where": {"region": ["eu"]}}]
    second = load_catalog(catalog(plan("team", "49.00", charges=filtered)))
    assert [(meter.code, meter.priced_dimensions) for meter in second.meters] == [
        ("output_tokens", ["region"])
    ]
    assert load_catalog(catalog(plan("team", "59.00", charges=filtered))).meters == []
    assert load_catalog(catalog(plan("team", "49.00"))).meters == [], "old versions still filter by it"
    assert Meter.objects.get().priced_dimensions == ["region"]


def test_a_renamed_meter_publishes_no_plan() -> None:
    load_catalog(catalog())
    renamed = catalog(meters=[{**METER, "name": "Tokens out"}])
    assert changes(renamed) == [("meter", "output_tokens", "changed")]


def test_a_tax_of_another_day_is_another_rule() -> None:
    load_catalog(catalog())
    later = {**TAX, "rate": "21", "valid_from": "2027-01-01"}
    assert changes({"catalog": 1, "taxes": [later]}) == [("tax", "fr-20", "added")]
    assert changes({"catalog": 1, "taxes": [{**later, "rate": "22"}]}) == [("tax", "fr-20", "changed")]
    assert sorted(map(str, TaxRate.objects.values_list("rate", flat=True))) == ["20.000000", "22.000000"]
    data = catalog_data()
    assert [(tax["valid_from"], tax["rate"]) for tax in data["taxes"]] == [(None, "20"), ("2027-01-01", "22")]
    assert changes(data) == []
    assert catalog_data() == data


def test_a_tax_may_not_overlap_what_is_stored_of_it() -> None:
    first = {**TAX, "valid_from": "2020-01-01", "valid_to": "2027-01-01"}
    load_catalog({"catalog": 1, "taxes": [first]})
    later = {**TAX, "rate": "21", "valid_from": "2026-07-01"}
    with pytest.raises(CatalogError) as refused:
        load_catalog({"catalog": 1, "taxes": [later]})
    assert [problem.path for problem in refused.value.problems] == ["taxes[0].valid_from"]
    assert TaxRate.objects.count() == 1
    shorter = {**first, "valid_to": "2026-07-01"}
    assert changes({"catalog": 1, "taxes": [later, shorter]}) == [
        ("tax", "fr-20", "added"),
        ("tax", "fr-20", "changed"),
    ]
    assert changes(catalog_data()) == []


def test_the_catalogue_as_data_is_a_catalogue_file_with_version_numbers() -> None:
    load_catalog(catalog())
    data = catalog_data()
    assert {entry["code"]: entry.pop("version") for entry in data["plans"]}["team"] == 1
    assert changes(data) == []
    assert data["coupons"] == [{**COUPON, "archived": False}]


def test_public_plans_are_those_of_the_currency_cheapest_first() -> None:
    load_catalog(catalog())
    assert [version.plan.code for version in public_plans("USD")] == ["dollars"]
    euros = [version.plan.code for version in public_plans("EUR")]
    assert euros == ["free", "weekly", "team", "trial", "scale", "scale-yearly"]
