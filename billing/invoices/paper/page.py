"""All that the template prints, ready as text."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.paper import days, parties, story, sums
from billing.invoices.paper.chart import chart_of
from billing.invoices.paper.figures import Figures, locale_of
from billing.invoices.paper.table import table_of
from billing.invoices.paper.transfer import left_to_pay, transfer_code, transfer_rows
from billing.pricing.money import ZERO, minor_units


def page_of(invoice: Invoice) -> dict[str, Any]:
    """The template's context, in the invoice's language, which must be in force."""
    snapshot = invoice.snapshot
    figures = Figures(locale_of(snapshot["locale"]), invoice.currency)
    lines = list(invoice.lines.select_related("invoice").order_by("position"))
    zone = ZoneInfo(snapshot["timezone"])
    due = days.day(invoice.due_at.astimezone(zone).date(), figures.locale)
    return {
        "language": str(figures.locale).replace("_", "-"),
        "title": _title(invoice),
        "kind": pgettext("on paper", "Credit note")
        if invoice.kind == Invoice.Kind.CREDIT_NOTE
        else pgettext("on paper", "Invoice"),
        "number": invoice.number,
        "issued_on": days.day(invoice.issued_at.astimezone(zone).date(), figures.locale),
        "seller": parties.seller_of(snapshot, figures.locale),
        "buyer": parties.buyer_of(snapshot, figures.locale),
        "foot": parties.foot_of(snapshot),
        "facts": parties.facts(invoice, lines, figures.locale),
        "hero": _hero(invoice, figures, due),
        "story": story.story_of(invoice, lines, figures),
        "chart": chart_of(snapshot["usage"], _sums(lines), figures),
        "table": table_of(lines, figures, snapshot["timezone"]),
        "currency": invoice.currency,
        "sums": sums.sum_rows(invoice, len(lines), figures),
        "taxes": sums.tax_rows(invoice, figures),
        "tax_total": sums.tax_total_row(invoice, figures),
        "due_amount": figures.amount(left_to_pay(invoice)),
        "bank": transfer_rows(invoice, left_to_pay(invoice), figures),
        "code": transfer_code(invoice, left_to_pay(invoice)),
        "mentions": snapshot["mentions"],
        "site": snapshot["site_url"].partition("://")[2],
        "url": _url(invoice),
        "minor_unit": figures.number(Decimal(1).scaleb(-minor_units(invoice.currency))),
    }


def _title(invoice: Invoice) -> str:
    facts = {"number": invoice.number, "seller": invoice.snapshot["seller"]["name"]}
    if invoice.kind == Invoice.Kind.CREDIT_NOTE:
        return _("Credit note %(number)s, %(seller)s") % facts
    return _("Invoice %(number)s, %(seller)s") % facts


def _hero(invoice: Invoice, figures: Figures, due: str) -> dict[str, str]:
    """The one large figure, what it is, and by when."""
    if invoice.kind == Invoice.Kind.CREDIT_NOTE:
        label = _("Your credit") if invoice.credited_id is None else _("Taken back")
        return {"label": label, "figure": figures.money(invoice.total), "by": ""}
    if "prepayment" in invoice.snapshot:
        return {"label": _("Received"), "figure": figures.money(invoice.total), "by": _("nothing to pay")}
    by = _("by %(day)s") % {"day": due} if invoice.amount_due else _("nothing to pay")
    return {
        "label": pgettext("on paper", "Amount due"),
        "figure": figures.money(invoice.amount_due),
        "by": by,
    }


def _sums(lines: Sequence[InvoiceLine]) -> dict[str, Decimal]:
    """The rounded usage lines by charge."""
    found: dict[str, Decimal] = {}
    for line in lines:
        if line.kind == "usage":
            found[line.charge] = found.get(line.charge, ZERO) + line.amount
    return found


def _url(invoice: Invoice) -> str:
    """The invoice's page in the portal; the site alone where the portal is not served."""
    try:
        return str(invoice.snapshot["site_url"]) + reverse("portal:invoice", args=[invoice.number])
    except NoReverseMatch:
        return str(invoice.snapshot["site_url"])
