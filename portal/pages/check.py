"""An issued document recomputed from its events, beside what it says: the portal's own `plainbill-verify`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy, ngettext

from accounts.models import Account
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.paper.words import coupon_words
from billing.invoices.proof import check_parts, parts_of
from billing.invoices.standing import standing, standing_read, with_standing
from billing.proof.check import Check, Checked, State
from billing.proof.foot import Figure
from portal import formats
from portal.pages.invoices import Status
from portal.pages.known import tell_known, with_known
from portal.pages.upcoming import tax_words

WHY: Final = {
    State.AGREED: gettext_lazy(
        "It was agreed, so nothing says what it should be: it is taken as it is written."
    ),
    State.PURGED: gettext_lazy("The events of its period are past their legal term and no longer kept."),
    State.CORRECTED: gettext_lazy(
        "An event of its period was corrected after this document; what it said before is not kept. "
        "The correction is a line of a later invoice."
    ),
}
SUMS: Final = {
    "subtotal": gettext_lazy("Subtotal, before tax"),
    "tax_total": gettext_lazy("All taxes"),
    "total": gettext_lazy("Total"),
    "credits_applied": gettext_lazy("Became credit"),
    "amount_due": gettext_lazy("Amount due"),
}


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A figure of the document. `should` None: not recomputed; `why` says why not."""

    name: str
    detail: str
    url: str
    should: Decimal | None
    stated: Decimal
    status: Status
    why: str = ""


@dataclass(frozen=True, slots=True)
class CheckPage:
    """`differences` and `unpriced` are counts: figures that are wrong, and lines whose events are not kept."""

    invoice: Invoice
    currency: str
    at: datetime
    events: str
    lines: Sequence[CheckRow]
    foot: Sequence[CheckRow]
    differences: int
    unpriced: int

    @property
    def title(self) -> str:
        if self.differences:
            return ngettext(
                "%(count)s figure is not what it should be.",
                "%(count)s figures are not what they should be.",
                self.differences,
            ) % {"count": formats.number(self.differences)}
        if self.unpriced:
            return gettext("Nothing differs, but not everything could be recomputed.")
        if self.notes:
            return gettext("Every figure that can be recomputed is right.")
        return gettext("Every figure is right.")

    @property
    def notes(self) -> list[str]:
        """Why lines were not recomputed, each reason once."""
        return list(dict.fromkeys(row.why for row in self.lines if row.why))


def check_page(account: Account, number: str, at: datetime) -> CheckPage | None:
    """None for a number that is not this account's."""
    invoice = _invoice(account, number)
    if invoice is None:
        return None
    parts = parts_of(invoice)
    found, rows = check_parts(invoice, parts), {row.position: row for row in parts.rows}
    return CheckPage(
        invoice=invoice,
        currency=invoice.currency,
        at=at,
        events=_events(found.events),
        lines=[_row(each, found, rows) for each in found.lines],
        foot=list(_foot(found, invoice)),
        differences=found.differences,
        unpriced=len(found.unpriced),
    )


def _invoice(account: Account, number: str) -> Invoice | None:
    """The document with what its check asks about it."""
    rows = with_known(with_standing(Invoice.objects.filter(account=account, number=number)), account)
    found = rows.select_related("account", "closes__account", "closes__base_version__plan").first()
    if found is not None:
        tell_known(account, found)
        standing.tell(found, standing_read(found))
    return found


def _row(one: Checked, found: Check, rows: Mapping[int, InvoiceLine]) -> CheckRow:
    sign = found.proof.document.sign
    row = rows[one.line.place] if one.line else None
    number = found.proof.document.number
    used = row is not None and row.kind == "usage"
    return CheckRow(
        name=row.description if row else gettext("A line that is missing"),
        detail=_detail(one, row),
        url=reverse("portal:invoice_line", args=[number, row.pk]) if row and used else "",
        should=None if one.should is None else sign * one.should.amount,
        stated=sign * one.stated,
        status=_status(one.state),
        why=str(WHY.get(one.state, "")),
    )


def _detail(one: Checked, row: InvoiceLine | None) -> str:
    """What it was recomputed from."""
    if one.owed is not None and one.owed.events:
        quantity = formats.number(one.owed.sum.quantity)
        unit = formats.plural(row.unit, one.owed.sum.quantity) if row else ""
        return f"{quantity} {unit}".strip() + " · " + _events(one.owed.events)
    # A proration's own name says its days.
    if (
        one.line is not None
        and one.line.kind == "base"
        and one.line.days is not None
        and one.should is not None
    ):
        return gettext("%(days)s of %(full_days)s days of the plan") % {
            "days": formats.number(one.should.quantity),
            "full_days": formats.number(one.line.days.full_days),
        }
    if one.owed is not None and one.line is not None and one.line.kind == "late_usage":
        return gettext("The period as it is now, less what was invoiced for it before")
    return ""


def _events(count: int) -> str:
    return ngettext("%(count)s event", "%(count)s events", count) % {"count": formats.number(count)}


def _status(state: State) -> Status:
    if state is State.EQUAL:
        return Status("ok", "ok", gettext("Equal"))
    if state is State.DIFFERENT:
        return Status("bad", "bad", gettext("Different"))
    return Status(
        "mute", "info", gettext("As agreed") if state is State.AGREED else gettext("Not recomputed")
    )


def _foot(found: Check, invoice: Invoice) -> Iterator[CheckRow]:
    """Sums as the document shows them; what a tax is on, and the sum of taxes, are rows only where they are wrong."""
    for figure in found.foot:
        if figure.name in ("taxable", "tax_total") and figure.equal:
            continue
        sign = 1 if figure.name in ("credits_applied", "amount_due") else found.proof.document.sign
        if figure.name == "discount":
            sign = -sign
        yield CheckRow(
            name=_name(figure, found, invoice),
            detail="",
            url="",
            should=sign * figure.should,
            stated=sign * figure.stated,
            status=_status(State.EQUAL if figure.equal else State.DIFFERENT),
        )


def _name(figure: Figure, found: Check, invoice: Invoice) -> str:
    if figure.name in SUMS:
        return str(SUMS[figure.name])
    if figure.name == "discount":
        document = found.proof.document
        return coupon_words(figure.of, document.sign * figure.stated, credit_note=document.credit_note)
    taxes = {
        f"{tax['category']} {Decimal(tax['rate']):f} %": (tax["name"], Decimal(tax["taxable"]))
        for tax in invoice.snapshot["taxes"]
    }
    name, taxable = taxes.get(figure.of, (figure.of, Decimal(0)))
    if figure.name == "taxable":
        return gettext("What %(tax)s is on") % {"tax": name}
    return tax_words(name, taxable, invoice.currency)
