"""`billing.pricing.given_back` with an invoice's own facts: its lines, and what was taken off them."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.invoices.models import Invoice, InvoiceLine
from billing.pricing.discounts import Rate
from billing.pricing.given_back import ChargedLine, GivenBack, RateBack, give_back
from billing.pricing.money import ZERO, money_string, plain

type Data = dict[str, Any]


def charged_lines(lines: Iterable[InvoiceLine], given: Mapping[UUID, Decimal]) -> list[ChargedLine]:
    """The lines of an invoice, with what earlier credit notes gave back of each."""
    return [ChargedLine(row.pk, row.amount, rate_of(row), given.get(row.pk, ZERO)) for row in lines]


def rate_of(row: InvoiceLine) -> Rate:
    return row.tax_category, row.tax_rate


def reckon(
    invoice: Invoice, lines: Sequence[ChargedLine], wanted: Mapping[UUID, Decimal] | None
) -> GivenBack:
    """What a credit note over `wanted` comes to (None: over all that is left); `GiveBackError` for more."""
    taxes, coupons = invoice.snapshot["taxes"], invoice.snapshot["discounts"]
    off = {(tax["category"], Decimal(tax["rate"])): Decimal(tax["discount"]) for tax in taxes}
    taken = [Decimal(each["amount"]) for each in coupons]
    parts = None if wanted is None else dict[Hashable, Decimal](wanted.items())
    return give_back(lines, off, taken, parts, invoice.currency)


def discounts_data(invoice: Invoice, back: GivenBack) -> list[Data]:
    """By coupon, as the snapshot of a document keeps it."""
    rows = zip(invoice.snapshot["discounts"], back.discounts, strict=True)
    return [
        {"coupon": each["coupon"], "amount": money_string(amount, invoice.currency)}
        for each, amount in rows
        if amount
    ]


def taxes_data(invoice: Invoice, back: GivenBack) -> list[Data]:
    """By rate, as the snapshot of a document keeps it, under the names that the invoice has."""
    named = {(tax["category"], Decimal(tax["rate"])): tax for tax in invoice.snapshot["taxes"]}
    return [_tax_data(each, named[each.rate], invoice.currency) for each in back.rates]


def _tax_data(each: RateBack, like: Mapping[str, Any], currency: str) -> Data:
    return {
        "code": like["code"],
        "name": like["name"],
        "category": each.rate[0],
        "rate": plain(each.rate[1]),
        "discount": money_string(each.discount, currency),
        "taxable": money_string(each.taxable, currency),
        "amount": money_string(each.tax, currency),
    }
