"""The HTML twin of an issued document."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext

from accounts.models import Account
from billing.invoices.einvoice import is_representable
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.paper.figures import Figures
from billing.invoices.paper.transfer import Code, transfer_code, transfer_rows
from billing.invoices.paper.words import coupon_words
from billing.invoices.queries import invoice_by_number
from billing.invoices.standing import standing
from billing.payments.notices import is_on_hold
from billing.pricing.dates import local_date
from billing.pricing.money import ZERO
from portal import dates, formats
from portal.pages.documents import FootRow, LineGroup, issued_groups, local_span
from portal.pages.invoices import Status, status_of
from portal.pages.payment import CardBlock, card_block
from portal.pages.periods import period_name
from portal.pages.upcoming import tax_words

EVENTS: Final = 50


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """`snapshot` is what the paper says: seller, buyer, taxes and texts as they were when it was issued.

    `transfer`, `code` and `card` pay what is still open; `asked`: a question about it is open, so nobody reminds of it.
    """

    invoice: Invoice
    currency: str
    status: Status
    paid_on: datetime | None
    open_amount: Decimal
    lines: Sequence[InvoiceLine]
    groups: Sequence[LineGroup]
    foot: Sequence[FootRow]
    zone: str
    period: str
    snapshot: dict[str, Any]
    notes: Sequence[Invoice]
    transfer: Sequence[tuple[str, str]]
    code: Code | None
    card: CardBlock | None
    asked: bool

    @property
    def credit_note(self) -> bool:
        return self.invoice.kind == Invoice.Kind.CREDIT_NOTE

    @property
    def is_electronic(self) -> bool:
        """Whether it can be had as an electronic invoice."""
        return is_representable(self.currency)

    @property
    def covers(self) -> str:
        """What the document is for, in words: usage of a period, the plan of the next one, or both."""
        usage = _named(self.lines, ("usage", "minimum", "limit_waiver", "late_usage"), self.zone)
        plan = _named(self.lines, ("base",), self.zone)
        words = {"usage": usage, "plan": plan}
        if usage and plan:
            return gettext("usage of %(usage)s and the plan of %(plan)s") % words
        if usage or plan:
            return (gettext("usage of %(usage)s") if usage else gettext("the plan of %(plan)s")) % words
        return self.period

    @property
    def total(self) -> Decimal:
        return self.invoice.amount_due if self.invoice.amount_due else self.invoice.total


def invoice_page(account: Account, number: str, at: datetime) -> InvoicePage | None:
    """None for a number that is not this account's."""
    invoice = invoice_by_number(number, account)
    if invoice is None:
        return None
    lines = list(invoice.lines.select_related("version__plan").order_by("position"))
    known = standing(invoice)
    notes = list(invoice.credit_notes.order_by("issued_at")) if known.credited else []
    left = known.open
    zone = str(invoice.snapshot.get("timezone") or account.timezone)
    paid = (
        None
        if left
        else max((one.received_at for one in invoice.payments.filter(amount__gt=0)), default=None)
    )
    return InvoicePage(
        invoice=invoice,
        currency=invoice.currency,
        status=status_of(invoice, known, at),
        paid_on=paid,
        open_amount=left,
        lines=lines,
        zone=zone,
        groups=issued_groups(lines, invoice.number, invoice.currency, zone),
        foot=_foot(invoice, left, paid, notes),
        notes=notes,
        period=local_span(invoice.period_start, invoice.period_end, zone),
        snapshot=invoice.snapshot,
        transfer=transfer_rows(invoice, left, Figures(formats.current(), invoice.currency)),
        code=transfer_code(invoice, left),
        card=card_block(account, invoice, left),
        asked=bool(left) and is_on_hold(invoice),
    )


def _named(lines: Sequence[InvoiceLine], kinds: Sequence[str], zone: str) -> str:
    """The period of the lines of some kinds: its month where it is one; "" without such lines."""
    own = [one for one in lines if one.kind in kinds]
    if not own:
        return ""
    first = local_date(min(one.start for one in own), zone)
    end = local_date(max(one.end for one in own), zone)
    return period_name(first, end if end > first else first + dates.DAY)


def _foot(invoice: Invoice, left: Decimal, paid: datetime | None, notes: Sequence[Invoice]) -> list[FootRow]:
    currency, snapshot = invoice.currency, invoice.snapshot
    rows = [FootRow(gettext("Subtotal, before tax"), invoice.subtotal)]
    for each in snapshot.get("discounts", ()):
        amount = Decimal(each["amount"])
        words = coupon_words(each["coupon"], amount, credit_note=invoice.kind == Invoice.Kind.CREDIT_NOTE)
        rows.append(FootRow(words, -amount))
    for tax in snapshot.get("taxes", ()):
        rows.append(
            FootRow(tax_words(tax["name"], Decimal(tax["taxable"]), currency), Decimal(tax["amount"]))
        )
    rows.append(FootRow(gettext("Total"), invoice.total, "sum"))
    if invoice.kind == Invoice.Kind.CREDIT_NOTE:
        return [*rows, *_given_rows(invoice)]
    rows += _used_rows(invoice)
    settling = [note for note in notes if note.settles]
    rows += [FootRow(gettext("Credit note %(number)s") % {"number": n.number}, -n.settles) for n in settling]
    due = invoice.amount_due - sum((note.settles for note in settling), ZERO)
    if left:
        words = gettext("To pay by %(day)s") % {"day": dates.day(invoice.due_at, "yMMMMd")}
        return [*rows, FootRow(words, left, "grand")]
    words = (
        gettext("Paid on %(day)s") % {"day": dates.day(paid, "yMMMMd")} if paid else gettext("Nothing to pay")
    )
    return [*rows, FootRow(words, due, "grand")]


def _used_rows(invoice: Invoice) -> list[FootRow]:
    """Which credit paid; older documents do not say it."""
    used = invoice.snapshot.get("credit_used")
    if used:
        words = gettext("Credit of %(number)s")
        return [FootRow(words % {"number": use["number"]}, -Decimal(use["amount"])) for use in used]
    if invoice.credits_applied:
        return [FootRow(gettext("Credit applied"), -invoice.credits_applied)]
    return []


def _given_rows(note: Invoice) -> list[FootRow]:
    """What became of a credit note's sum."""
    if note.credited_id is None:
        return [FootRow(gettext("Credit applied"), -note.credits_applied)]
    words = gettext("Taken off %(number)s") % {"number": note.snapshot["credits"]["number"]}
    rows = [FootRow(words, -note.settles), FootRow(gettext("Given as credit"), note.settles - note.total)]
    return [row for row in rows if row.amount]
