"""The sentences beside the amount due: what usage came to, whether the limit held, what else there is."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from babel.lists import format_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.paper import days
from billing.invoices.paper.figures import Figures
from billing.invoices.paper.words import reason_words
from billing.pricing.money import ZERO


def story_of(invoice: Invoice, lines: Sequence[InvoiceLine], figures: Figures) -> str:
    """One to four sentences."""
    if credits := invoice.snapshot.get("credits"):
        return _taken_back(invoice, credits, figures)
    if "prepayment" in invoice.snapshot:
        facts = {"amount": figures.money(invoice.total)}
        return (
            _("%(amount)s are your credit, used on later invoices. Their VAT is invoiced here and not again.")
            % facts
        )
    if invoice.kind == Invoice.Kind.CREDIT_NOTE:
        return _(
            "What is given back is more than what is owed: %(amount)s are your credit, used on later invoices."
        ) % {"amount": figures.money(invoice.total)}
    sentences = [_usage(invoice, lines, figures), *_limits(invoice, lines, figures)]
    rest = _rest(invoice, lines)
    if rest:
        parts = format_list(rest, locale=figures.locale)
        told = _("The rest is %(parts)s.") if sentences[0] else _("This is %(parts)s.")
        sentences.append(told % {"parts": parts})
    if off := _taken_off(invoice):
        sentences.append(_("Taken off: %(parts)s.") % {"parts": format_list(off, locale=figures.locale)})
    return " ".join(sentence for sentence in sentences if sentence)


def _taken_back(invoice: Invoice, credits: Mapping[str, Any], figures: Figures) -> str:
    """Why, and what becomes of it."""
    sentences, credit = [f"{reason_words(credits).rstrip('.')}."], invoice.total - invoice.settles
    if invoice.settles:
        facts = {"amount": figures.money(invoice.settles), "number": credits["number"]}
        sentences.append(_("%(amount)s are taken off what was still to be paid on %(number)s.") % facts)
    if credit:
        sentences.append(
            _("%(amount)s are your credit, used on later invoices.") % {"amount": figures.money(credit)}
        )
    return " ".join(sentences)


def _usage(invoice: Invoice, lines: Sequence[InvoiceLine], figures: Figures) -> str:
    used = [line.amount for line in lines if line.kind == "usage"]
    usage = invoice.snapshot["usage"]
    if not used or not usage:
        return ""
    first, last = date.fromisoformat(usage["first_day"]), date.fromisoformat(usage["last_day"])
    amount = figures.money(sum(used, ZERO))
    month = days.month(first, last, figures.locale)
    if month:
        return _("In %(month)s usage came to %(amount)s.") % {"month": month, "amount": amount}
    span = days.span(first, last, figures.locale, year=False)
    return _("Usage, %(span)s, came to %(amount)s.") % {"span": span, "amount": amount}


def _limits(invoice: Invoice, lines: Sequence[InvoiceLine], figures: Figures) -> list[str]:
    waived = -sum((line.amount for line in lines if line.kind == "limit_waiver"), ZERO)
    if not waived:
        return []
    limit = (invoice.snapshot["usage"] or {}).get("limits", {}).get("")
    if not limit:
        return [_("Your limits held: %(waived)s beyond them are waived.") % {"waived": figures.money(waived)}]
    facts = {"limit": figures.money(Decimal(limit["amount"])), "waived": figures.money(waived)}
    return [_("Your limit of %(limit)s held: the %(waived)s that passed it are waived.") % facts]


def _rest(invoice: Invoice, lines: Sequence[InvoiceLine]) -> list[str]:
    kinds = {line.kind for line in lines}
    parts = [
        (_("the base price in advance"), "base" in kinds),
        (_("a plan change"), "proration" in kinds),
        (_("an agreed minimum"), "minimum" in kinds),
        (_("late usage"), "late_usage" in kinds),
        (_("an adjustment"), "adjustment" in kinds),
        (pgettext("on paper", "VAT"), bool(invoice.tax_total)),
    ]
    return [text for text, is_there in parts if is_there]


def _taken_off(invoice: Invoice) -> list[str]:
    given = [Decimal(one["amount"]) for one in invoice.snapshot["discounts"]]
    discounts = ngettext("a discount", "discounts", len(given))
    parts = [(discounts, sum(given, ZERO) > 0), (_("your credit"), bool(invoice.credits_applied))]
    return [text for text, is_there in parts if is_there]
