"""The columns of FOCUS 1.2, and rows of them. Source: FOCUS 1.2, the text of each column (focus.finops.org)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Literal

from billing.invoices.exports.cells import Cell, Number
from billing.pricing.dates import SECOND
from billing.pricing.money import plain

Category = Literal["Usage", "Purchase", "Tax", "Credit", "Adjustment"]
Frequency = Literal["One-Time", "Recurring", "Usage-Based"]

MANDATORY: Final = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency"),
    *("BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription"),
    *("ChargePeriodEnd", "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName"),
    *("ListCost", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName"),
    *("ServiceCategory", "ServiceName"),
)
OTHERS: Final = (
    *("ChargeFrequency", "ConsumedQuantity", "ConsumedUnit", "ContractedUnitPrice", "InvoiceId"),
    *("ListUnitPrice", "PricingCategory", "ServiceSubcategory"),
    *("SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "Tags"),
)
"""Recommended ones, and those that are there because the product has what they tell of."""

NEWER: Final = ("HostProviderName", "ServiceProviderName")
"""Names of FOCUS 1.3 for the provider, beside those of 1.2, which 1.4 no longer has."""

OWN: Final = (
    *("x_DocumentNumber", "x_DocumentType", "x_IssuedAt", "x_LineId", "x_LineKind"),
    *("x_TaxCategory", "x_TaxCode", "x_TaxRate"),
)
COLUMNS: Final = (*sorted((*MANDATORY, *OTHERS, *NEWER)), *OWN)

type Row = Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Price:
    """`quantity` × `each`; both are of one `unit`."""

    quantity: Decimal
    unit: str
    each: Decimal


def cost_cells(cost: Decimal) -> dict[str, Cell]:
    """Four costs that are one: prices are the plan's own, and nothing that is bought here pays for later usage."""
    amount = Number(plain(cost))
    return dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), amount)


def price_cells(price: Price) -> dict[str, Cell]:
    """What was priced, and the price, which is the list's."""
    each = Number(plain(price.each))
    return {
        "PricingQuantity": Number(plain(price.quantity)),
        "PricingUnit": price.unit,
        "ListUnitPrice": each,
        "ContractedUnitPrice": each,
        "PricingCategory": "Standard",
    }


def consumed_cells(quantity: Decimal, unit: str) -> dict[str, Cell]:
    return {"ConsumedQuantity": Number(plain(quantity)), "ConsumedUnit": unit}


def period_cells(name: str, start: datetime, end: datetime) -> dict[str, Cell]:
    """[start, end) as `name` ("ChargePeriod"), to the second. What has no length, such as a period that was ended where
    it began, is told as one second: an end is after its start.
    """
    first, last = (at.astimezone(UTC).replace(microsecond=0) for at in (start, end))
    return {f"{name}Start": instant(first), f"{name}End": instant(max(last, first + SECOND))}


def instant(at: datetime) -> Number:
    """UTC to the second, as the Date/Time format has it."""
    return Number(f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
