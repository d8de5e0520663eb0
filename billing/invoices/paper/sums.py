"""The foot of the invoice: from the subtotal to the amount due, and the taxes by rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from billing.invoices.models import Invoice
from billing.invoices.paper.figures import Figures
from billing.invoices.paper.words import coupon_words


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
    rows = _net_rows(invoice, discounts, count, figures)
    for tax in snapshot["taxes"]:
        if Decimal(tax["rate"]) or Decimal(tax["amount"]):
            rows.append(SumRow(_tax_on(tax, figures), figures.amount(Decimal(tax["amount"]))))
    rows.append(SumRow(_("Total with VAT"), figures.amount(invoice.total), rule=True))
    if invoice.kind == Invoice.Kind.CREDIT_NOTE:
        rows += _given_rows(invoice, figures)
    elif invoice.credits_applied:
        rows += _used_rows(invoice, figures)
    elif "prepayment" in invoice.snapshot:
        rows.append(SumRow(_("Received"), figures.amount(-invoice.total)))
    return rows


def _given_rows(invoice: Invoice, figures: Figures) -> list[SumRow]:
    """What became of a credit note's sum: taken off what was open on the invoice that it takes back, and credit."""
    rows, credit = [], invoice.credits_applied - invoice.settles
    if invoice.settles:
        label = _("Taken off invoice %(number)s") % {"number": invoice.snapshot["credits"]["number"]}
        rows.append(SumRow(label, figures.amount(-invoice.settles)))
    if credit or not rows:
        rows.append(SumRow(_("Given as credit"), figures.amount(-credit)))
    return rows


def _used_rows(invoice: Invoice, figures: Figures) -> list[SumRow]:
    """Which credit paid, and what of a prepayment is tax that was invoiced with it; older documents do not say it."""
    used = invoice.snapshot.get("credit_used")
    if not used:
        return [SumRow(_("Credit used"), figures.amount(-invoice.credits_applied))]
    rows = []
    for use in used:
        facts = {"number": use["number"], "tax": figures.amount(Decimal(use["tax"]))}
        told = (
            _("Prepayment %(number)s used, VAT of %(tax)s in it")
            if "issued_on" in use
            else _("Credit of %(number)s used")
        )
        rows.append(SumRow(told % facts, figures.amount(-Decimal(use["amount"]))))
    return rows


def _net_rows(
    invoice: Invoice, discounts: Sequence[tuple[str, Decimal]], count: int, figures: Figures
) -> list[SumRow]:
    """The lines' sum, what coupons take off, and the net; one row where nothing is taken off."""
    subtotal, credit_note = invoice.subtotal, invoice.kind == Invoice.Kind.CREDIT_NOTE
    if not discounts:
        return [
            SumRow(
                _counted(pgettext("on paper", "Net"), _("Net, lines 1 to %(count)s"), count),
                figures.amount(subtotal),
            )
        ]
    rows = [
        SumRow(
            _counted(pgettext("on paper", "Subtotal"), _("Subtotal, lines 1 to %(count)s"), count),
            figures.amount(subtotal),
        )
    ]
    rows += [
        SumRow(coupon_words(code, amount, credit_note=credit_note), figures.amount(-amount))
        for code, amount in discounts
    ]
    net = subtotal - sum((amount for _code, amount in discounts), Decimal(0))
    return [*rows, SumRow(pgettext("on paper", "Net"), figures.amount(net), rule=True)]


def tax_rows(invoice: Invoice, figures: Figures) -> list[TaxRow]:
    """A row for each category and rate."""
    return [_tax_row(tax, figures) for tax in invoice.snapshot["taxes"]]


def tax_total_row(invoice: Invoice, figures: Figures) -> TaxRow | None:
    taxes = invoice.snapshot["taxes"]
    if len(taxes) == 1:
        return None
    taxable = sum((Decimal(tax["taxable"]) for tax in taxes), Decimal(0))
    discount = sum((Decimal(tax["discount"]) for tax in taxes), Decimal(0))
    amounts = [figures.amount(value) for value in (taxable + discount, -discount, taxable, invoice.tax_total)]
    return TaxRow(pgettext("on paper", "Sum"), *amounts)


def _counted(one: str, several: str, count: int) -> str:
    return several % {"count": count} if count > 1 else one


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
