"""What an issued document says in the terms of EN 16931, from its row, its lines and its snapshot alone."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.invoices.einvoice.items import item_of
from billing.invoices.einvoice.parties import buyer_of, seller_of
from billing.invoices.einvoice.terms import (
    Adjustment,
    Content,
    Note,
    Payment,
    Preceding,
    Rate,
    Span,
    Sums,
    VatRow,
)
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.paper.days import day
from billing.invoices.paper.figures import locale_of
from billing.invoices.paper.words import coupon_words, prepaid_words, reason_words
from billing.pricing.money import ZERO, exact, minor_units, money_string, plain

MOST_DECIMALS: Final = 2
"""Of every amount, whatever the currency (BR-DEC-09 and the like)."""

REASON_CODES: Final = {"AE": "VATEX-EU-AE", "K": "VATEX-EU-IC", "G": "VATEX-EU-G", "O": "VATEX-EU-O"}
"""BT-121, of the code list VATEX."""

SEPA: Final = "58"
CREDIT_TRANSFER: Final = "30"
SERVICES: Final = "S1"
PAID_SERVICES: Final = "S2"
AFTER_PREPAYMENT: Final = "S4"
"""BT-23 of French invoices: a supply of services; paid already; the definitive invoice after a prepayment."""


def is_representable(currency: str) -> bool:
    """Whether EN 16931 can say amounts of `currency`: KWD and others have more digits than it allows."""
    return minor_units(currency) <= MOST_DECIMALS


@exact()
def content_of(invoice: Invoice, lines: Sequence[InvoiceLine]) -> Content:
    """The terms of `invoice`, texts in its language. ValueError where `is_representable` says no.

    A credit note's amounts are what is given back: it has the signs of its row. All of it becomes credit, or settles
    what was open on the invoice that it takes back, so it is told as settled and nothing is due.
    """
    if not is_representable(invoice.currency):
        raise ValueError(f"EN 16931 allows {MOST_DECIMALS} decimals at most, {invoice.currency} has more")
    snapshot, zone = invoice.snapshot, ZoneInfo(invoice.snapshot["timezone"])
    categories = {tax["category"] for tax in snapshot["taxes"]}
    is_credit_note = invoice.kind == Invoice.Kind.CREDIT_NOTE
    is_prepayment = "prepayment" in snapshot
    is_french = snapshot["seller"]["country"] == "FR"
    due_on = _due_on(invoice, zone)
    with override(snapshot["locale"]):
        adjustments = tuple(_adjustments(invoice))
        return Content(
            number=invoice.number,
            is_credit_note=is_credit_note,
            is_prepayment=is_prepayment,
            issued_on=invoice.issued_at.astimezone(zone).date(),
            due_on=due_on,
            currency=invoice.currency,
            process=_process(snapshot) if is_french else "",
            vat_due_on_issue=is_french and "S" in categories,
            purchase_order=snapshot["buyer"]["purchase_order"],
            account=snapshot["buyer"]["code"],
            notes=tuple(_notes(snapshot, invoice.currency)),
            span=span_of(invoice.period_start, invoice.period_end, zone),
            seller=seller_of(snapshot, categories),
            buyer=buyer_of(snapshot, categories),
            deliver_to=snapshot["buyer"]["country"],
            payment=_payment(invoice),
            terms=_terms(due_on, snapshot),
            adjustments=adjustments,
            vat=tuple(_vat_row(tax) for tax in snapshot["taxes"]),
            sums=_sums(invoice, adjustments),
            preceding=tuple(
                Preceding(each["number"], date.fromisoformat(each["issued_on"]))
                for each in (*snapshot.get("preceding", ()), *_prepaid(snapshot))
            ),
            items=tuple(
                item_of(line, invoice.currency, rate_of(line.tax_category, line.tax_rate), span)
                for line in lines
                for span in [span_of(line.start, line.end, zone)]
            ),
        )


def rate_of(category: str, percent: Decimal) -> Rate:
    """What is outside the scope of VAT has no rate (BR-O-05)."""
    return Rate(category, "" if category == "O" else plain(percent))


def span_of(start: datetime, end: datetime, zone: ZoneInfo) -> Span:
    """The local days of [start, end)."""
    first = start.astimezone(zone).date()
    return Span(first, max(first, (end - timedelta(microseconds=1)).astimezone(zone).date()))


def _due_on(invoice: Invoice, zone: ZoneInfo) -> date | None:
    """BT-9: of money that was received, the day of that (the French rules ask for it); None if nothing is due."""
    if prepayment := invoice.snapshot.get("prepayment"):
        return date.fromisoformat(prepayment["received_on"])
    return invoice.due_at.astimezone(zone).date() if invoice.amount_due else None


def _process(snapshot: Mapping[str, Any]) -> str:
    """BT-23: services; of an invoice that is paid already; of the definitive one after a prepayment."""
    return PAID_SERVICES if "prepayment" in snapshot else AFTER_PREPAYMENT if _prepaid(snapshot) else SERVICES


def _prepaid(snapshot: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The prepayments that an invoice uses, whose tax is not owed again."""
    return [use for use in snapshot.get("credit_used", ()) if "issued_on" in use]


def _notes(snapshot: Mapping[str, Any], currency: str) -> Iterator[Note]:
    """Prepayments used, why an invoice is taken back, and the mentions; older snapshots keep no codes beside these."""
    for use in _prepaid(snapshot):
        yield Note("", prepaid_words(use, currency))
    if credits := snapshot.get("credits"):
        yield Note("", reason_words(credits))
    texts = snapshot["mentions"]
    codes = snapshot.get("mention_codes") or [""] * len(texts)
    for code, text in zip(codes, texts, strict=True):
        yield Note(code, text)


def _payment(invoice: Invoice) -> Payment | None:
    """Where to pay, as on paper: nothing if nothing is due or the seller gave no account."""
    seller = invoice.snapshot["seller"]
    if not seller["iban"] or not invoice.amount_due or "prepayment" in invoice.snapshot:
        return None
    means = SEPA if invoice.currency == "EUR" else CREDIT_TRANSFER
    return Payment(means, invoice.number, seller["iban"], seller["bic"], seller["name"])


def _terms(due_on: date | None, snapshot: Mapping[str, Any]) -> str:
    """BT-20."""
    if due_on is None or "prepayment" in snapshot:
        return ""
    return _("Payable by %(day)s.") % {"day": day(due_on, locale_of(snapshot["locale"]))}


def _adjustments(invoice: Invoice) -> Iterator[Adjustment]:
    """What coupons take off the lines of each rate; where they take earlier discounts back, a charge."""
    for tax in invoice.snapshot["taxes"]:
        discount = Decimal(tax["discount"])
        if discount:
            yield Adjustment(
                charge=discount < 0,
                amount=money_string(abs(discount), invoice.currency),
                reason=_coupons(invoice, discount),
                rate=rate_of(tax["category"], Decimal(tax["rate"])),
            )


def _coupons(invoice: Invoice, discount: Decimal) -> str:
    """Every coupon of the document by name: it keeps what they took off together, by rate."""
    is_credit_note = invoice.kind == Invoice.Kind.CREDIT_NOTE
    return ", ".join(
        coupon_words(each["coupon"], discount, credit_note=is_credit_note)
        for each in invoice.snapshot["discounts"]
    )


def _vat_row(tax: Mapping[str, Any]) -> VatRow:
    category = tax["category"]
    reasons = {
        "E": tax["name"],
        "AE": _("Reverse charge"),
        "K": _("Intra-Community supply"),
        "G": _("Export outside the EU"),
        "O": _("Not subject to VAT"),
    }
    return VatRow(
        rate=rate_of(category, Decimal(tax["rate"])),
        taxable=tax["taxable"],
        amount=tax["amount"],
        reason=reasons.get(category, ""),
        reason_code=REASON_CODES.get(category, ""),
    )


def _sums(invoice: Invoice, adjustments: Sequence[Adjustment]) -> Sums:
    def text(amount: Decimal) -> str:
        return money_string(amount, invoice.currency)

    def sum_of(charge: bool) -> Decimal:
        return sum((Decimal(each.amount) for each in adjustments if each.charge is charge), ZERO)

    received = invoice.total if "prepayment" in invoice.snapshot else ZERO
    return Sums(
        lines=text(invoice.subtotal),
        allowances=text(sum_of(False)),
        charges=text(sum_of(True)),
        net=text(invoice.total - invoice.tax_total),
        vat=text(invoice.tax_total),
        gross=text(invoice.total),
        prepaid=text(invoice.credits_applied + received),
        due=text(invoice.amount_due - received),
    )
