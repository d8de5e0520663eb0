"""The foot of the invoice: from the subtotal to the amount due, and the taxes by rate."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from billing.invoices.models import Invoice
from billing.invoices.paper.figures import Figures


@dataclass(frozen=True, slots=True)
class SumRow:
    label: str
    amount: str
    rule: bool = False


@dataclass(frozen=True, slots=True)
class TaxRow:
    label: str
    lines: str
    discount: str
    taxable: str
    amount: str


def sum_rows(invoice: Invoice, count: int, figures: Figures) -> list[SumRow]:
    """Rows of the totals; those with a rule over them are sums."""
    snapshot = invoice.snapshot
    discounts = [(each["coupon"], Decimal(each["amount"])) for each in snapshot["discounts"]]
    rows = [SumRow(_subtotal(count), figures.amount(invoice.subtotal))]
    rows += [SumRow(_("Coupon %(code)s") % {"code": code}, figures.amount(-amount)) for code, amount in discounts]
    net = invoice.subtotal - sum((amount for _code, amount in discounts), Decimal(0))
    rows.append(SumRow(_("Net"), figures.amount(net), rule=True))
    for tax in snapshot["taxes"]:
        if Decimal(tax["rate"]) or Decimal(tax["amount"]):
            rows.append(SumRow(_tax_on(tax, figures), figures.amount(Decimal(tax["amount"]))))
    rows.append(SumRow(_("Total with VAT"), figures.amount(invoice.total), rule=True))
    if invoice.kind == Invoice.Kind.CREDIT_NOTE:
        rows.append(SumRow(_("Given as credit"), figures.amount(-invoice.credits_applied)))
    elif invoice.credits_applied:
        rows.append(SumRow(_("Credit used"), figures.amount(-invoice.credits_applied)))
    return rows


def tax_rows(invoice: Invoice, figures: Figures) -> list[TaxRow]:
    """A row for each category and rate, and their sum if there are several."""
    rows = [_tax_row(tax, figures) for tax in invoice.snapshot["taxes"]]
    return rows


def tax_total_row(invoice: Invoice, figures: Figures) -> TaxRow:
    taxes = invoice.snapshot["taxes"]
    taxable = sum((Decimal(tax["taxable"]) for tax in taxes), Decimal(0))
    discount = sum((Decimal(tax["discount"]) for tax in taxes), Decimal(0))
    amounts = [figures.amount(value) for value in (taxable + discount, -discount, taxable, invoice.tax_total)]
    return TaxRow(_("Sum"), *amounts)


def _subtotal(count: int) -> str:
    return _("Subtotal, lines 1 to %(count)s") % {"count": count} if count > 1 else _("Subtotal")


def _tax_on(tax: Mapping[str, Any], figures: Figures) -> str:
    return _("VAT %(rate)s on %(taxable)s") % {
        "rate": figures.percent(Decimal(tax["rate"])),
        "taxable": figures.amount(Decimal(tax["taxable"])),
    }


def _tax_row(tax: Mapping[str, Any], figures: Figures) -> TaxRow:
    discount, taxable = Decimal(tax["discount"]), Decimal(tax["taxable"])
    return TaxRow(
        _("%(name)s (%(category)s)") % {"name": tax["name"], "category": tax["category"]},
        figures.amount(taxable + discount),
        figures.amount(-discount),
        figures.amount(taxable),
        figures.amount(Decimal(tax["amount"])),
    )
