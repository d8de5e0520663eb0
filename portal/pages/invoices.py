"""Invoices in short: the card on the overview and the list."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.postgres.expressions import ArraySubquery
from django.core.paginator import Paginator
from django.db.models import OuterRef, Sum, TextField
from django.db.models.functions import Cast, JSONObject
from django.urls import reverse
from django.utils.translation import gettext, pgettext

from accounts.models import Account
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.standing import Standing, standing_read, standings, with_standing
from portal import dates
from portal.pages.credit import Credit, credit_of

ZERO = Decimal(0)
PAGE = 50


@dataclass(frozen=True, slots=True)
class Status:
    """Icon, word and colour: never the colour alone."""

    tone: str
    icon: str
    word: str


@dataclass(frozen=True, slots=True)
class AmountRow:
    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class InvoiceCard:
    """One issued document in short. `open_amount` is what is still to be paid."""

    number: str
    kind: str
    url: str
    currency: str
    issued_at: datetime
    due_at: datetime
    period_start: datetime
    period_end: datetime
    rows: Sequence[AmountRow]
    total: Decimal
    amount_due: Decimal
    open_amount: Decimal
    status: Status
    due_words: str
    takes_back: str = ""

    def overdue(self, at: datetime) -> bool:
        return self.open_amount > 0 and self.due_at < at


@dataclass(frozen=True, slots=True)
class InvoiceList:
    """One page of the documents, newest first; page numbers count from 1. And what credit the account has."""

    cards: Sequence[InvoiceCard]
    number: int
    pages: int
    credit: Credit

    @property
    def numbers(self) -> range:
        return range(1, self.pages + 1)


def invoice_list(account: Account, at: datetime, number: int = 1) -> InvoiceList:
    """A number beyond the last page gives the last."""
    pages = Paginator(Invoice.objects.filter(account=account).order_by("-issued_at", "-pk"), PAGE)
    one = pages.get_page(number)
    return InvoiceList(_cards(one.object_list, at), one.number, pages.num_pages, credit_of(account))


def last_invoice(account: Account, at: datetime) -> InvoiceCard | None:
    """The newest invoice with the sums of its lines by kind."""
    kinds = InvoiceLine.objects.filter(invoice=OuterRef("pk")).order_by().values("kind")
    sums = kinds.annotate(row=JSONObject(kind="kind", amount=Cast(Sum("amount"), TextField())))
    newest = with_standing(Invoice.objects.filter(account=account, kind=Invoice.Kind.INVOICE))
    one = newest.annotate(sums=ArraySubquery(sums.values("row"))).first()
    if one is None:
        return None
    return _card(one, standing_read(one), at, {each["kind"]: Decimal(each["amount"]) for each in one.sums})


def _cards(invoices: Iterable[Invoice], at: datetime) -> list[InvoiceCard]:
    found = list(invoices)
    known = standings(found)
    return [_card(one, known[one.pk], at) for one in found]


def _card(
    invoice: Invoice, known: Standing, at: datetime, by_kind: Mapping[str, Decimal] | None = None
) -> InvoiceCard:
    left = known.open
    status = status_of(invoice, known, at)
    return InvoiceCard(
        number=invoice.number,
        kind=invoice.kind,
        url=reverse("portal:invoice", args=[invoice.number]),
        currency=invoice.currency,
        issued_at=invoice.issued_at,
        due_at=invoice.due_at,
        period_start=invoice.period_start,
        period_end=invoice.period_end,
        rows=() if by_kind is None else _rows(invoice, by_kind),
        total=invoice.total,
        amount_due=invoice.amount_due,
        open_amount=left,
        status=status,
        due_words=status.word
        if not left
        else gettext("To pay by %(day)s") % {"day": dates.day(invoice.due_at, "MMMMd")},
        takes_back=invoice.snapshot.get("credits", {}).get("number", ""),
    )


def status_of(invoice: Invoice, known: Standing, at: datetime) -> Status:
    """Void, paid, open until its day, or overdue since; a credit note is none of them."""
    if invoice.kind == Invoice.Kind.CREDIT_NOTE:
        return Status("mute", "info", gettext("Credit note"))
    if known.status == "void":
        return Status("mute", "info", pgettext("an invoice", "Void"))
    if not known.open:
        return Status("ok", "ok", gettext("Paid"))
    if invoice.due_at < at:
        return Status("bad", "bad", gettext("Overdue"))
    return Status("warn", "clock", gettext("Open"))


def _rows(invoice: Invoice, by_kind: Mapping[str, Decimal]) -> list[AmountRow]:
    """The sums of usage, waivers, plan and the rest, then tax and credits."""
    sums: dict[str, Decimal] = {}
    for kind, amount in by_kind.items():
        name = KINDS.get(kind, "other")
        sums[name] = sums.get(name, ZERO) + amount
    words = {
        "usage": gettext("Usage"),
        "waiver": gettext("Overrun, waived"),
        "plan": gettext("Plan"),
        "other": gettext("Other lines"),
    }
    rows = [AmountRow(words[name], sums[name]) for name in words if name in sums]
    discount = invoice.total - invoice.tax_total - invoice.subtotal
    if discount:
        rows.append(AmountRow(gettext("Coupons"), discount))
    rows.append(AmountRow(gettext("Tax"), invoice.tax_total))
    if invoice.credits_applied:
        rows.append(AmountRow(gettext("Credit applied"), -invoice.credits_applied))
    return rows


KINDS = {
    "usage": "usage",
    "late_usage": "usage",
    "limit_waiver": "waiver",
    "base": "plan",
    "proration": "plan",
    "minimum": "plan",
}
