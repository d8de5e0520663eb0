"""A document as FOCUS rows: its lines, then discounts, taxes and the credit that moves.

Σ BilledCost of an InvoiceId is what that document asks for: `amount_due` of an invoice, minus the total of a credit
note. A credit note's amount becomes credit: one row without an InvoiceId holds it, and the row of the invoice that uses
it takes it back. So the whole file sums to what is to be paid, however credit moved.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.invoices.exports.cells import Cell, Number
from billing.invoices.exports.focus.columns import (
    Category,
    Frequency,
    Price,
    consumed_cells,
    cost_cells,
    instant,
    period_cells,
    price_cells,
)
from billing.invoices.exports.focus.usage import unit_of, usage_rows
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.paper.words import coupon_words
from billing.pricing.money import ZERO, exact, plain

CORRECTION: Final = "Correction"
PURCHASES: Final = ("base", "proration")

type Row = dict[str, Cell]


@dataclass(frozen=True, slots=True)
class Document:
    """A document and the cells that all its rows have. `sign` -1 on a credit note: its amounts are given back."""

    invoice: Invoice
    sign: int
    cells: Mapping[str, Cell]


def document_of(invoice: Invoice) -> Document:
    """From the row and its snapshot alone."""
    is_credit_note = invoice.kind == Invoice.Kind.CREDIT_NOTE
    buyer, seller = invoice.snapshot["buyer"], invoice.snapshot["seller"]["name"]
    issuers = (
        "InvoiceIssuerName",
        "ProviderName",
        "PublisherName",
        "ServiceProviderName",
        "HostProviderName",
    )
    cells: Row = {
        **dict.fromkeys(issuers, seller),
        "BillingAccountId": buyer["code"],
        "BillingAccountName": buyer["name"],
        "BillingCurrency": invoice.currency,
        **period_cells("BillingPeriod", invoice.period_start, invoice.period_end),
        **period_cells("ChargePeriod", invoice.period_start, invoice.period_end),
        "InvoiceId": invoice.number,
        "ServiceCategory": "Other",
        "ServiceSubcategory": "Other (Other)",
        "ServiceName": seller,
        "Tags": "{}",
        "x_DocumentNumber": invoice.number,
        "x_DocumentType": invoice.kind,
        "x_IssuedAt": instant(invoice.issued_at),
    }
    return Document(invoice, -1 if is_credit_note else 1, cells)


def line_rows(document: Document, lines: Iterable[InvoiceLine]) -> list[Row]:
    """The rows of some of the document's lines, words of ours in the document's language."""
    with override(document.invoice.snapshot["locale"]), exact():
        return [row for line in lines for row in _line(document, line)]


def closing_rows(document: Document) -> list[Row]:
    """Discounts, taxes and credit: what the document has besides its lines."""
    with override(document.invoice.snapshot["locale"]), exact():
        return [*_discounts(document), *_taxes(document), *_credit(document)]


def _line(document: Document, line: InvoiceLine) -> Iterator[Row]:
    owed = document.sign * line.amount
    kind = line.detail.get("corrects", line.kind)
    corrects = line.kind == "late_usage" or (kind in PURCHASES and owed < 0)
    charge = _charge(line, kind, owed)
    common: Row = {
        **document.cells,
        **charge,
        **period_cells("ChargePeriod", line.start, line.end),
        "ChargeClass": CORRECTION if corrects else None,
        "ChargeDescription": line.description,
        "SkuId": _sku(line),
        "SkuMeter": line.meter or None,
        "Tags": _tags(line),
        "x_LineId": str(line.pk),
        "x_LineKind": line.kind,
        "x_TaxCategory": line.tax_category,
        "x_TaxCode": line.tax_code or None,
        "x_TaxRate": Number(plain(line.tax_rate)),
    }
    if corrects:
        yield {
            **common,
            **cost_cells(owed),
            "SkuPriceId": _sku_price(line),
            **_late(line, kind, document.sign),
        }
    elif kind == "usage":
        yield from _used(common, line, document.sign)
    elif charge["ChargeCategory"] == "Purchase":
        priced = price_cells(Price(Decimal(1), line.detail.get("interval", "period"), owed))
        yield {**common, **cost_cells(owed), **priced, "SkuPriceId": _sku_price(line)}
    else:
        yield {**common, **cost_cells(owed), "SkuId": None, "SkuMeter": None}


def _charge(line: InvoiceLine, kind: str, owed: Decimal) -> Row:
    """ChargeCategory and ChargeFrequency. What is given to the customer is Credit; minimums are Adjustments."""
    if kind == "usage":
        return _kind("Usage", "Usage-Based")
    if kind in PURCHASES:
        return _kind("Purchase", "Recurring" if kind == "base" else "One-Time")
    if kind == "limit_waiver" or owed < 0:
        return _kind("Credit", "Usage-Based" if kind == "limit_waiver" else "One-Time")
    return _kind("Adjustment", "One-Time")


def _kind(category: Category, frequency: Frequency) -> Row:
    return {"ChargeCategory": category, "ChargeFrequency": frequency}


def _used(common: Row, line: InvoiceLine, sign: int) -> Iterator[Row]:
    """A row for each price, unrounded; then flat prices, maximums and the like, and what rounding adds or takes.

    A line that comes to nothing, such as usage that was taken back, is one row of nothing.
    """
    rows, without_unit_price = usage_rows(line, sign, _sku_price(line))
    yield from ({**common, **row} for row in rows)
    told = sum((Decimal(str(row["BilledCost"])) for row in rows), without_unit_price)
    plainly: Row = {**common, **_kind("Adjustment", "Usage-Based"), "SkuId": None, "SkuMeter": None}
    names = {
        _("%(line)s, flat prices, minimums and maximums"): without_unit_price,
        _("%(line)s, rounding"): sign * line.amount - told,
    }
    for name, cost in names.items():
        if cost:
            yield {**plainly, **cost_cells(cost), "ChargeDescription": name % {"line": line.description}}
    if not rows and not any(names.values()):
        yield {**plainly, **cost_cells(ZERO)}


def _late(line: InvoiceLine, kind: str, sign: int) -> Row:
    quantity = sign * (line.quantity or ZERO)
    return consumed_cells(quantity, unit_of(line)) if kind == "usage" and quantity else {}


def _discounts(document: Document) -> Iterator[Row]:
    snapshot = document.invoice.snapshot
    for each in snapshot["discounts"]:
        amount = Decimal(each["amount"])
        words = coupon_words(each["coupon"], amount, credit_note=document.sign < 0)
        yield _closing(document, "Credit", words, -document.sign * amount)


def _taxes(document: Document) -> Iterator[Row]:
    for each in document.invoice.snapshot["taxes"]:
        amount = document.sign * Decimal(each["amount"])
        if amount:
            tax: Row = {
                "ChargeClass": CORRECTION if amount < 0 else None,
                "x_TaxCategory": each["category"],
                "x_TaxCode": each["code"] or None,
                "x_TaxRate": Number(each["rate"]),
            }
            yield {**_closing(document, "Tax", each["name"], amount), **tax}


def _credit(document: Document) -> Iterator[Row]:
    amount = document.invoice.credits_applied
    if not amount:
        return
    if document.sign > 0:
        yield _closing(document, "Credit", _("Credit applied"), -amount)
    else:
        kept = _closing(document, "Credit", _("Kept as credit for later invoices"), amount)
        yield {**kept, "InvoiceId": None}


def _closing(document: Document, category: Category, description: str, cost: Decimal) -> Row:
    return {
        **document.cells,
        **_kind(category, "One-Time"),
        **cost_cells(cost),
        "ChargeDescription": description,
    }


def _plan(line: InvoiceLine) -> str:
    return line.version.plan.code if line.version else "plan"


def _sku(line: InvoiceLine) -> str:
    """What is sold: a charge of a plan, or the plan itself."""
    return f"{_plan(line)}/{line.charge or 'base'}"


def _sku_price(line: InvoiceLine) -> str:
    """Its price in one version of the plan, which never changes."""
    version = line.version.number if line.version else 0
    return f"{_plan(line)}@{version}/{line.charge or 'base'}"


def _tags(line: InvoiceLine) -> str:
    """Tags of ours, with our prefix, as Key-Value Format has them."""
    found: dict[str, Any] = {"plan": line.version.plan.code if line.version else None, "charge": line.charge}
    tags = {f"plainbill/{name}": value for name, value in found.items() if value}
    return json.dumps(tags, ensure_ascii=False, sort_keys=True)


def cells_of(row: Row, columns: Sequence[str]) -> list[Cell]:
    """The row's cells in the order of `columns`; what it does not tell is empty."""
    return [row.get(column) for column in columns]
