"""Rules of FOCUS 1.2, each from the text of its column or attribute: (rows of a file) -> the rows that break it."""

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from billing.pricing.money import exact, is_currency

type Row = dict[str, str]

D = Decimal
COSTS: Final = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost")
PRICES: Final = ("ContractedUnitPrice", "ListUnitPrice")
NUMBERS: Final = (*COSTS, *PRICES, "ConsumedQuantity", "PricingQuantity")
INSTANTS: Final = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")
NEVER_NULL: Final = (
    *COSTS,
    *INSTANTS,
    *("BillingAccountId", "BillingCurrency", "ChargeCategory", "InvoiceIssuerName", "ProviderName"),
    *("PublisherName", "ServiceCategory", "ServiceName", "ChargeFrequency"),
)
NULLABLE: Final = ("BillingAccountName", "ChargeClass", "ChargeDescription", "PricingQuantity", "PricingUnit")
STANDARD: Final = {
    *NEVER_NULL,
    *NULLABLE,
    *PRICES,
    *("ConsumedQuantity", "ConsumedUnit", "InvoiceId", "PricingCategory", "ServiceSubcategory"),
    *("SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "Tags"),
}
NEWER: Final = {"HostProviderName", "ServiceProviderName"}
RULES: dict[str, Callable[[list[Row]], list[Row]]] = {}


def rule(broken: Callable[[Row], object]) -> Callable[[Row], object]:
    """A rule of single rows: what `broken` finds true of."""
    RULES[broken.__name__] = lambda rows: [row for row in rows if broken(row)]
    return broken


def rule_of_file(
    broken: Callable[[list[Row]], Iterable[Row]],
) -> Callable[[list[Row]], Iterable[Row]]:
    RULES[broken.__name__] = lambda rows: list(broken(rows))
    return broken


def regular(row: Row) -> bool:
    """A charge that prices are asked of."""
    return row["ChargeClass"] != "Correction" and row["ChargeCategory"] in ("Usage", "Purchase")


@rule
def mandatory_columns_are_there(row: Row) -> object:
    return not {*NEVER_NULL, *NULLABLE} <= row.keys()


@rule
def other_columns_are_named_as_custom_ones(row: Row) -> object:
    return any(name not in STANDARD | NEWER and not re.fullmatch(r"x_[A-Za-z0-9]+", name) for name in row)


@rule
def mandatory_values_are_not_null(row: Row) -> object:
    return any(row[name] == "" for name in NEVER_NULL)


@rule
def null_is_empty_and_no_word(row: Row) -> object:
    return any(value.strip().lower() in ("null", "none", "n/a", "nan") for value in row.values())


@rule
def numbers_are_plain_decimals(row: Row) -> object:
    return any(row[name] and not re.fullmatch(r"-?\d+(\.\d+)?", row[name]) for name in NUMBERS)


@rule
def instants_are_utc_to_the_second(row: Row) -> object:
    return any(not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row[name]) for name in INSTANTS)


@rule
def billing_period_ends_after_its_start(row: Row) -> object:
    return at(row, "BillingPeriodStart") >= at(row, "BillingPeriodEnd")


@rule
def charge_period_ends_after_its_start(row: Row) -> object:
    return at(row, "ChargePeriodStart") >= at(row, "ChargePeriodEnd")


@rule
def charge_period_lies_in_the_billing_period(row: Row) -> object:
    """But for what had no length, which is told as a second."""
    if (at(row, "ChargePeriodEnd") - at(row, "ChargePeriodStart")).total_seconds() == 1:
        return False
    inside = at(row, "BillingPeriodStart") <= at(row, "ChargePeriodStart")
    return not (inside and at(row, "ChargePeriodEnd") <= at(row, "BillingPeriodEnd"))


@rule
def currency_is_iso_4217(row: Row) -> object:
    return not is_currency(row["BillingCurrency"])


@rule
def charge_category_is_allowed(row: Row) -> object:
    return row["ChargeCategory"] not in ("Usage", "Purchase", "Tax", "Credit", "Adjustment")


@rule
def charge_class_is_correction_or_null(row: Row) -> object:
    return row["ChargeClass"] not in ("", "Correction")


@rule
def charge_frequency_is_allowed(row: Row) -> object:
    return row["ChargeFrequency"] not in ("One-Time", "Recurring", "Usage-Based")


@rule
def a_purchase_is_not_usage_based(row: Row) -> object:
    return row["ChargeCategory"] == "Purchase" and row["ChargeFrequency"] == "Usage-Based"


@rule
def service_category_is_allowed_and_parent_of_its_subcategory(row: Row) -> object:
    return (row["ServiceCategory"], row["ServiceSubcategory"]) != ("Other", "Other (Other)")


@rule
def pricing_quantity_where_there_is_a_price_and_never_of_tax(row: Row) -> object:
    return (regular(row) and not row["PricingQuantity"]) or (of_tax(row) and row["PricingQuantity"])


@rule
def pricing_unit_goes_with_pricing_quantity(row: Row) -> object:
    return bool(row["PricingUnit"]) != bool(row["PricingQuantity"])


@rule
def unit_prices_where_there_is_a_price_and_never_of_tax(row: Row) -> object:
    given = [bool(row[name]) for name in PRICES]
    return (regular(row) and not all(given)) or (of_tax(row) and any(given))


@rule
def unit_prices_are_not_negative(row: Row) -> object:
    return any(row[name] and D(row[name]) < 0 for name in PRICES)


@rule
def quantity_times_contracted_price_is_contracted_cost(row: Row) -> object:
    return not product_holds(row, "ContractedUnitPrice", "ContractedCost")


@rule
def quantity_times_list_price_is_list_cost(row: Row) -> object:
    return not product_holds(row, "ListUnitPrice", "ListCost")


@rule
def costs_of_what_has_no_price_are_the_billed_cost(row: Row) -> object:
    return not row["ListUnitPrice"] and len({D(row[name]) for name in COSTS}) > 1


@rule
def pricing_category_where_there_is_a_price_and_never_of_tax(row: Row) -> object:
    allowed = row["PricingCategory"] in ("", "Standard", "Dynamic", "Committed", "Other")
    missing = regular(row) and not row["PricingCategory"]
    return not allowed or missing or (of_tax(row) and row["PricingCategory"])


@rule
def consumed_quantity_is_above_zero_of_usage_and_null_of_all_else(row: Row) -> object:
    if row["ChargeCategory"] != "Usage":
        return bool(row["ConsumedQuantity"])
    if row["ChargeClass"] == "Correction":
        return False
    return not row["ConsumedQuantity"] or D(row["ConsumedQuantity"]) <= 0


@rule
def consumed_unit_goes_with_consumed_quantity(row: Row) -> object:
    return bool(row["ConsumedUnit"]) != bool(row["ConsumedQuantity"])


@rule
def sku_and_its_price_where_there_is_a_price_and_never_of_tax(row: Row) -> object:
    given = [bool(row["SkuId"]), bool(row["SkuPriceId"])]
    return (regular(row) and not all(given)) or (of_tax(row) and any(given))


@rule
def sku_meter_and_details_are_null_without_a_sku(row: Row) -> object:
    return (row["SkuMeter"] and not row["SkuId"]) or (row["SkuPriceDetails"] and not row["SkuPriceId"])


@rule
def tags_and_price_details_are_key_values_in_json(row: Row) -> object:
    return not all(is_key_value(row[name]) for name in ("Tags", "SkuPriceDetails"))


@rule
def tags_of_ours_bear_our_prefix(row: Row) -> object:
    return any(not name.startswith("plainbill/") for name in json.loads(row["Tags"] or "{}"))


@rule_of_file
def a_price_id_has_one_sku(rows: list[Row]) -> Iterable[Row]:
    return twice(rows, "SkuPriceId", "SkuId")


@rule_of_file
def an_invoice_has_one_account_and_one_billing_period(rows: list[Row]) -> Iterable[Row]:
    for other in ("BillingAccountId", "BillingPeriodStart", "BillingPeriodEnd", "BillingCurrency"):
        yield from twice(rows, "InvoiceId", other)


@rule_of_file
def a_price_id_and_its_period_have_one_price(rows: list[Row]) -> Iterable[Row]:
    """A version's price never changes; what is priced as a whole is of its own period."""
    return twice([row for row in rows if row["SkuPriceDetails"]], "SkuPriceId", "ListUnitPrice")


def twice(rows: list[Row], key: str, value: str) -> list[Row]:
    """Rows whose `key` was seen with another `value` before."""
    seen: dict[str, str] = {}
    return [row for row in rows if row[key] and seen.setdefault(row[key], row[value]) != row[value]]


def of_tax(row: Row) -> bool:
    return row["ChargeCategory"] == "Tax"


def at(row: Row, name: str) -> datetime:
    return datetime.fromisoformat(row[name])


def product_holds(row: Row, price: str, cost: str) -> bool:
    if not row[price] or row["ChargeClass"] == "Correction":
        return True
    return bool(D(row["PricingQuantity"]) * D(row[price]) == D(row[cost]))


def is_key_value(text: str) -> bool:
    """A JSON object of scalars, or null."""
    if not text:
        return True
    found: Any = json.loads(text)
    return isinstance(found, dict) and not any(isinstance(value, dict | list) for value in found.values())


@exact()
def faults(rows: list[Row]) -> dict[str, list[Row]]:
    """The rules that are broken, and by which rows."""
    found = {name: check(rows) for name, check in RULES.items()}
    return {name: broken for name, broken in found.items() if broken}
