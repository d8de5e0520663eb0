"""FOCUS: each rule on a rich account, each rule on rows that break it, and what the rows of each kind of line are."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from accounts.scope import installation_scope
from billing.invoices.actions import bill_account
from billing.limits.actions import set_limit
from billing.plans.actions import Actor, cancel, load_catalog, redeem
from tests.invoices import world
from tests.invoices.exports.checking import Row, focus
from tests.invoices.exports.focus_rules import RULES
from tests.invoices.world import utc

D = Decimal


@pytest.fixture(scope="module")
def rows(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[Row]]:
    """The file of an account with all there is; what was stored goes again with the transaction."""
    with django_db_blocker.unblock(), installation_scope():
        from django.db import transaction

        yield focus(rich())
        transaction.set_rollback(True)


def rich() -> Account:
    """Tiers with a flat price, packages, a waiver, two rates, a coupon, late usage, a credit note and its credit."""
    load_catalog({"catalog": 1, "coupons": [{"code": "WELCOME", "percent": "15"}]})
    world.load(world.plan("mixed", {**world.OUT, "tax": "fr-55"}, world.IN, world.CALLS))
    account, now = world.customer(name='=Atelier, "Fils"'), timezone.now()
    subscription = world.on_plan(account, "mixed", now - timedelta(days=40))
    redeem(account, "WELCOME")
    set_limit(account, D("60.00"), "stop", at=now - timedelta(days=39))
    at = now - timedelta(days=20)
    world.use(account, at, output_tokens=4_000_000, input_tokens="12345678.9")
    world.send(world.event(account, at, type_="api") for _ in range(3))
    bill_account(account, now)
    world.use(account, at, input_tokens=1_000_000)
    cancel(subscription, "now", actor=Actor.INSTALLATION)
    bill_account(account, timezone.now())
    world.on_plan(account, "studio", timezone.now())
    bill_account(account, timezone.now())
    return account


@pytest.mark.parametrize("rule", RULES)
def test_rule(rows: list[Row], rule: str) -> None:
    assert RULES[rule](rows) == []


BREAKS: dict[str, tuple[str, Row]] = {
    "other_columns_are_named_as_custom_ones": ("Tax", {"Invoice": "1"}),
    "mandatory_values_are_not_null": ("Usage", {"BilledCost": ""}),
    "null_is_empty_and_no_word": ("Usage", {"ChargeClass": "NULL"}),
    "numbers_are_plain_decimals": ("Usage", {"ListCost": "1e3"}),
    "instants_are_utc_to_the_second": ("Usage", {"ChargePeriodEnd": "2026-02-01 00:00:00"}),
    "billing_period_ends_after_its_start": ("Tax", {"BillingPeriodEnd": "2001-01-01T00:00:00Z"}),
    "charge_period_ends_after_its_start": ("Tax", {"ChargePeriodEnd": "2001-01-01T00:00:00Z"}),
    "charge_period_lies_in_the_billing_period": ("Tax", {"ChargePeriodEnd": "2101-01-01T00:00:00Z"}),
    "currency_is_iso_4217": ("Tax", {"BillingCurrency": "EUX"}),
    "charge_category_is_allowed": ("Tax", {"ChargeCategory": "Waiver"}),
    "charge_class_is_correction_or_null": ("Tax", {"ChargeClass": "correction"}),
    "charge_frequency_is_allowed": ("Tax", {"ChargeFrequency": "Usage-based"}),
    "a_purchase_is_not_usage_based": ("Purchase", {"ChargeFrequency": "Usage-Based"}),
    "service_category_is_allowed_and_parent_of_its_subcategory": ("Tax", {"ServiceCategory": "Cloud"}),
    "pricing_quantity_where_there_is_a_price_and_never_of_tax": ("Tax", {"PricingQuantity": "1"}),
    "pricing_unit_goes_with_pricing_quantity": ("Usage", {"PricingUnit": ""}),
    "unit_prices_where_there_is_a_price_and_never_of_tax": ("Usage", {"ListUnitPrice": ""}),
    "unit_prices_are_not_negative": ("Purchase", {"ListUnitPrice": "-1"}),
    "quantity_times_contracted_price_is_contracted_cost": ("Purchase", {"ContractedCost": "1.01"}),
    "quantity_times_list_price_is_list_cost": ("Purchase", {"ListCost": "1.01"}),
    "costs_of_what_has_no_price_are_the_billed_cost": ("Tax", {"EffectiveCost": "0"}),
    "pricing_category_where_there_is_a_price_and_never_of_tax": ("Usage", {"PricingCategory": ""}),
    "consumed_quantity_is_above_zero_of_usage_and_null_of_all_else": ("Tax", {"ConsumedQuantity": "1"}),
    "consumed_unit_goes_with_consumed_quantity": ("Usage", {"ConsumedUnit": ""}),
    "sku_and_its_price_where_there_is_a_price_and_never_of_tax": ("Usage", {"SkuId": ""}),
    "sku_meter_and_details_are_null_without_a_sku": ("Tax", {"SkuMeter": "tokens"}),
    "tags_and_price_details_are_key_values_in_json": ("Tax", {"Tags": "[]"}),
    "tags_of_ours_bear_our_prefix": ("Tax", {"Tags": '{"plan": "team"}'}),
    "a_price_id_has_one_sku": ("Usage", {"SkuId": "another/one"}),
    "an_invoice_has_one_account_and_one_billing_period": ("Tax", {"BillingAccountId": "other"}),
    "a_price_id_and_its_period_have_one_price": ("Usage", {"ListUnitPrice": "7"}),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_sees_what_breaks_it(rows: list[Row], rule: str) -> None:
    """The row that breaks it stands beside the good one."""
    if rule == "mandatory_columns_are_there":
        assert RULES[rule]([{name: value for name, value in rows[0].items() if name != "ListCost"}])
        return
    category, change = BREAKS[rule]
    good = next(row for row in rows if (row["ChargeCategory"], row["ChargeClass"]) == (category, ""))
    assert RULES[rule]([good, {**good, **change}]) != []


def test_the_world_has_every_kind(rows: list[Row]) -> None:
    assert {row["ChargeCategory"] for row in rows} == {"Usage", "Purchase", "Tax", "Credit", "Adjustment"}
    kinds = {row["x_LineKind"] for row in rows if row["x_LineKind"]}
    assert kinds == {"usage", "limit_waiver", "base", "proration", "late_usage"}
    assert {row["x_DocumentType"] for row in rows} == {"invoice", "credit_note"}
    assert any(row["ChargeClass"] == "Correction" for row in rows)


def test_columns_have_an_order_and_names_are_safe(rows: list[Row]) -> None:
    names = [name for name in rows[0] if not name.startswith("x_")]
    assert names == sorted(names)
    assert {row["BillingAccountName"] for row in rows} == {'\'=Atelier, "Fils"'}


def test_tiers_are_rows_of_their_own_and_rounding_is_one(db: None) -> None:
    """4,000,000 tokens: one million free, three at 0.00002 and 5.00 flat."""
    world.load()
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 5), output_tokens="4000000.4", input_tokens=999)
    world.send(world.event(account, utc(2026, 2, 6), type_="api") for _ in range(3))
    bill_account(account, utc(2026, 3, 1))
    told = [
        [
            row[name]
            for name in ("SkuPriceId", "ConsumedQuantity", "PricingQuantity", "PricingUnit", "BilledCost")
        ]
        for row in focus(account)
        if row["x_LineKind"] == "usage"
    ]
    assert told == [
        ["team@1/output_tokens/up-to-1000000", "1000000", "1000000", "token", "0"],
        ["team@1/output_tokens/up-to-10000000", "3000000.4", "3000000.4", "token", "60.000008"],
        ["", "", "", "", "5"],
        ["", "", "", "", "-0.000008"],
        ["team@1/input_tokens/tier", "999", "999", "token", "0.0024975"],
        ["", "", "", "", "-0.0024975"],
        ["team@1/calls/package", "3", "1", "1000 call", "0.4"],
    ]
    details = {row["SkuPriceDetails"] for row in focus(account)} - {""}
    assert {"Model": "graduated", "UpTo": "1000000"} in [json.loads(each) for each in details]
