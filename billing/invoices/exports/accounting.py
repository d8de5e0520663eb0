"""CSV for bookkeeping: every amount of a document that is posted, each once, so that columns can be summed.

`sale` rows, one for each tax category and rate, have `net`, `tax` and `gross`; `prepayment` rows take off again what
was invoiced in advance; `credit` rows have what was used of the customer's credit, or what a credit note adds to it;
`payment` rows what was paid; `settlement` rows, in the same column, what a credit note took off an invoice, on both.

Of one document Σ gross of sales is its total (negative on a credit note), Σ gross + Σ credit its `amount_due` (of a
credit note: minus what it settles), and less Σ payment what is still open. Over all Σ tax is the tax that is owed.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from billing.invoices.exports.cells import Cell, Number, csv_rows
from billing.invoices.exports.reading import Chosen, documents, read_now
from billing.invoices.models import Invoice
from billing.invoices.queries import status
from billing.pricing.money import ZERO, exact, money_string, plain

COLUMNS: Final = (
    *("date", "number", "kind", "entry", "customer", "name", "vat_id", "country", "currency"),
    *("tax_code", "tax_category", "tax_rate", "net", "tax", "gross", "credit", "payment"),
    *("due_date", "status", "text"),
)

type Row = dict[str, Cell]


def accounting_csv(chosen: Chosen) -> Iterator[bytes]:
    """The file, a document at a time."""
    yield csv_rows([COLUMNS])
    for invoice in documents(chosen):
        rows = read_now(chosen.account, partial(accounting_rows, invoice))
        yield csv_rows([row.get(column) for column in COLUMNS] for row in rows)


@exact()
def accounting_rows(invoice: Invoice) -> list[Row]:
    """The rows of a document. Days are those of its customer's zone, as on paper."""
    zone, buyer = ZoneInfo(invoice.snapshot["timezone"]), invoice.snapshot["buyer"]
    is_credit_note = invoice.kind == Invoice.Kind.CREDIT_NOTE
    common: Row = {
        "date": invoice.issued_at.astimezone(zone).date().isoformat(),
        "number": invoice.number,
        "kind": invoice.kind,
        "customer": buyer["code"],
        "name": buyer["name"],
        "vat_id": buyer["tax_id"],
        "country": buyer["country"],
        "currency": invoice.currency,
        "due_date": None if is_credit_note else invoice.due_at.astimezone(zone).date().isoformat(),
        "status": status(invoice),
    }
    sign = -1 if is_credit_note else 1
    rows = [*_sales(invoice, sign), *_prepaid(invoice), *_credit(invoice, sign), *_payments(invoice, zone)]
    rows += _settlements(invoice, zone)
    return [{**common, **row} for row in rows]


def _sales(invoice: Invoice, sign: int) -> Iterator[Row]:
    for tax in invoice.snapshot["taxes"]:
        net, amount = sign * Decimal(tax["taxable"]), sign * Decimal(tax["amount"])
        yield {
            "entry": "sale",
            "tax_code": tax["code"],
            "tax_category": tax["category"],
            "tax_rate": Number(plain(Decimal(tax["rate"]))),
            "net": _money(net, invoice),
            "tax": _money(amount, invoice),
            "gross": _money(net + amount, invoice),
            "text": tax["name"],
        }


def _prepaid(invoice: Invoice) -> Iterator[Row]:
    """What was invoiced before comes off again, net and tax."""
    for use in _prepayments_used(invoice):
        gross, tax = -Decimal(use["amount"]), -Decimal(use["tax"])
        yield {
            "entry": "prepayment",
            "net": _money(gross - tax, invoice),
            "tax": _money(tax, invoice),
            "gross": _money(gross, invoice),
            "text": use["number"],
        }


def _prepayments_used(invoice: Invoice) -> list[dict[str, str]]:
    return [use for use in invoice.snapshot.get("credit_used", ()) if "issued_on" in use]


def _credit(invoice: Invoice, sign: int) -> Iterator[Row]:
    prepaid = sum((Decimal(use["amount"]) for use in _prepayments_used(invoice)), ZERO)
    credit = invoice.credits_applied - invoice.settles - prepaid
    if credit:
        yield {"entry": "credit", "credit": _money(-sign * credit, invoice)}


def _settlements(invoice: Invoice, zone: ZoneInfo) -> Iterator[Row]:
    """A pair: below zero on the credit note, above on the invoice."""
    if invoice.settles:
        number = invoice.snapshot["credits"]["number"]
        yield {"entry": "settlement", "payment": _money(-invoice.settles, invoice), "text": number}
    for note in invoice.credit_notes.filter(settles__gt=0).order_by("issued_at"):
        yield {
            "date": note.issued_at.astimezone(zone).date().isoformat(),
            "entry": "settlement",
            "payment": _money(note.settles, invoice),
            "text": note.number,
        }


def _payments(invoice: Invoice, zone: ZoneInfo) -> Iterator[Row]:
    for payment in invoice.payments.order_by("received_at", "pk"):
        yield {
            "date": payment.received_at.astimezone(zone).date().isoformat(),
            "entry": "payment",
            "payment": _money(payment.amount, invoice),
            "text": " ".join(filter(None, (payment.method, payment.reference))),
        }


def _money(amount: Decimal, invoice: Invoice) -> Number:
    return Number(money_string(amount, invoice.currency))
