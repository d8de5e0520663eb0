"""Seller, buyer and the facts beside them, from the snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.paper import days

type Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Party:
    """`lines` are of the address; `ids` are registration and VAT id, with their names."""

    name: str
    lines: tuple[str, ...]
    ids: tuple[str, ...]


def seller_of(snapshot: Mapping[str, Any], locale: Locale) -> Party:
    seller = snapshot["seller"]
    lines = (*seller["address"], country_name(seller["country"], locale))
    return Party(seller["name"], lines, (*_ids(seller, "vat_id"), seller["email"]))


def buyer_of(snapshot: Mapping[str, Any], locale: Locale) -> Party:
    buyer = snapshot["buyer"]
    town = " ".join(part for part in (buyer["postcode"], buyer["city"]) if part)
    lines = (buyer["line1"], buyer["line2"], town, country_name(buyer["country"], locale))
    return Party(buyer["name"], tuple(line for line in lines if line), _ids(buyer, "tax_id"))


def foot_of(snapshot: Mapping[str, Any]) -> str:
    """The seller in one line, for the foot of each page."""
    seller = snapshot["seller"]
    return ", ".join([seller["name"], *_ids(seller, "vat_id")])


def facts(invoice: Invoice, lines: Sequence[InvoiceLine], locale: Locale) -> list[Pair]:
    """What stands beside the parties: dates, order, account, time zone."""
    snapshot = invoice.snapshot
    zone = ZoneInfo(snapshot["timezone"])
    rows = [
        (pgettext("on paper", "Issued"), days.day(invoice.issued_at.astimezone(zone).date(), locale)),
        (pgettext("on paper", "Due"), days.day(invoice.due_at.astimezone(zone).date(), locale))
        if invoice.amount_due and "prepayment" not in snapshot
        else ("", ""),
        (pgettext("on paper", "Usage"), _span(lines, ("usage",), snapshot, locale)),
        (pgettext("on paper", "Base price"), _span(lines, ("base",), snapshot, locale)),
        (pgettext("on paper", "Your order"), snapshot["buyer"]["purchase_order"]),
        (pgettext("on paper", "Account"), snapshot["buyer"]["code"]),
        (pgettext("on paper", "Time zone"), snapshot["timezone"]),
    ]
    return [row for row in rows if row[1]]


def country_name(code: str, locale: Locale) -> str:
    return str(locale.territories.get(code, code))


def _span(
    lines: Sequence[InvoiceLine], kinds: tuple[str, ...], snapshot: Mapping[str, Any], locale: Locale
) -> str:
    """The local days that lines of these kinds are for."""
    found = [line for line in lines if line.kind in kinds]
    if not found:
        return ""
    zone = ZoneInfo(snapshot["timezone"])
    first = min(line.start for line in found).astimezone(zone).date()
    last = (max(line.end for line in found) - timedelta(microseconds=1)).astimezone(zone).date()
    return days.span(first, last, locale)


def _ids(party: Mapping[str, Any], vat: str) -> tuple[str, ...]:
    legal = _("SIREN %(id)s") if party["country"] == "FR" else _("Company no. %(id)s")
    texts = [(legal, party["legal_id"]), (_("VAT %(id)s"), party[vat])]
    return tuple(text % {"id": value} for text, value in texts if value)
