"""Headings of the groups that lines stand in: usage by plan version and span, the plan, late usage, the rest."""

from collections.abc import Sequence
from typing import Any

from babel import Locale
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from billing.invoices.models import InvoiceLine
from billing.invoices.paper import days

type Key = tuple[Any, ...]

_USAGE = ("usage",)
_PLAN = ("base", "proration")


def group_of(line: InvoiceLine) -> Key:
    """Lines of one key that follow each other stand under one heading."""
    if line.kind == "usage":
        return ("usage", line.detail.get("plan_name"), line.detail.get("plan_version"), line.start, line.end)
    if "credits" in line.detail:
        return ("credits", line.invoice.snapshot["credits"]["number"])
    if "prepayment" in line.invoice.snapshot:
        return ("prepayment",)
    if line.kind in _PLAN:
        return ("plan",)
    return ("limit" if line.kind in ("limit_waiver", "minimum") else line.kind,)


def heading(key: Key, lines: Sequence[InvoiceLine], locale: Locale, zone: str) -> tuple[str, str]:
    """Title and what stands beside it."""
    first = lines[0]
    if key[0] == "usage":
        facts = {"plan": first.detail.get("plan_name", ""), "version": first.detail.get("plan_version", "")}
        title = _("Usage on plan %(plan)s, version %(version)s") % facts
        return title, days.instants(first.start, first.end, zone, locale)
    if key[0] == "plan":
        return pgettext("on paper", "Plan"), _("changed during the period") if any(
            each.kind == "proration" for each in lines
        ) else ""
    if key[0] == "credits":
        return _("Taken back of invoice %(number)s") % {"number": key[1]}, ""
    if key[0] == "prepayment":
        return pgettext("on paper", "Prepayment"), ""
    if key[0] == "limit":
        return _("Limits and minimums"), days.instants(first.start, first.end, zone, locale)
    return (_("Late usage"), "") if key[0] == "late_usage" else (_("Adjustments"), "")
