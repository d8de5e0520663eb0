"""A line's name, what its quantity and price mean, and the two figures that stand beside the name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from billing.invoices.models import InvoiceLine
from billing.invoices.paper import days
from billing.invoices.paper.figures import Figures
from billing.invoices.paper.units import plural
from billing.invoices.paper.working import Working
from billing.invoices.queries import before_of

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Words:
    """`quantity` None: the line has neither quantity nor price."""

    name: str
    sub: str = ""
    quantity: Decimal | None = None
    price: Decimal | None = None


def words_of(line: InvoiceLine, worked: Working, figures: Figures) -> Words:
    """The words of a line of any kind."""
    if line.kind == "usage":
        words = _usage(line, worked, figures)
        return replace(words, sub=", ".join(filter(None, (words.sub, _going_on(line, figures)))))
    if line.kind in ("base", "proration") and "price" in line.detail:
        return _plan(line, figures)
    if line.kind == "limit_waiver":
        return Words(line.description, _limit(line, figures))
    if line.kind == "minimum":
        return Words(line.description, _minimum(line, figures))
    if "prepayment" in line.invoice.snapshot:
        return Words(line.description, line.invoice.snapshot["prepayment"]["reference"])
    if "credits" in line.detail:
        place = _("line %(place)s") % {"place": line.detail["credits"]["position"]}
        return Words(line.description, f"{place}, {_dates(line, figures)}")
    return Words(line.description, _dates(line, figures))


def _going_on(line: InvoiceLine, figures: Figures) -> str:
    """What the period had come to when the line began, after a change of plan."""
    before = before_of(line.detail)
    if not before:
        return ""
    return _("going on from %(quantity)s used and %(amount)s charged at these prices") % {
        "quantity": figures.number(Decimal(before["quantity"])),
        "amount": figures.amount(Decimal(before["amount"])),
    }


def _usage(line: InvoiceLine, worked: Working, figures: Figures) -> Words:
    quantity = line.quantity
    unit = plural(line.unit, line.quantity or Decimal(0), figures.locale.language)
    if not worked.single:
        return Words(line.description, _priced(unit, worked), quantity)
    row = worked.rows[0]
    if line.detail.get("model") == "package":
        facts = {
            "size": figures.number(Decimal(line.detail["package_size"])),
            "quantity": figures.figure(quantity or Decimal(0)).text,
            "unit": unit,
        }
        sub = _("packages of %(size)s, for %(quantity)s %(unit)s") % facts
    elif line.detail.get("aggregation") == "time_weighted":
        sub = _("%(unit)s, average over the period") % {"unit": unit}
    else:
        sub = _priced(unit, worked)
    return Words(line.description, sub, row.quantity, row.price)


def _priced(unit: str, worked: Working) -> str:
    return _("%(unit)s, price per million") % {"unit": unit} if worked.per > 1 else unit


def _plan(line: InvoiceLine, figures: Figures) -> Words:
    """Base prices and days of them: the price is that of the whole period."""
    detail, locale = line.detail, figures.locale
    price, count = Decimal(detail["price"]), int(detail["days"])
    first, last = date.fromisoformat(detail["first_day"]), date.fromisoformat(detail["end_day"]) - ONE_DAY
    sign = 1 if (line.exact_amount < 0) == (price < 0) else -1  # a credit note gives back
    if count == detail["full_days"] and line.kind == "base":
        filled = days.month(first, last, locale, year=True)
        when = _("month of %(month)s") % {"month": filled} if filled else days.span(first, last, locale)
        return Words(line.description, _("%(period)s, in advance") % {"period": when}, Decimal(sign), price)
    sub = _("days, %(span)s, price per %(days)s") % {
        "span": days.span(first, last, locale, year=False),
        "days": detail["full_days"],
    }
    return Words(line.description, sub, Decimal(sign * count).copy_sign(line.exact_amount), abs(price))


def _limit(line: InvoiceLine, figures: Figures) -> str:
    usage = line.invoice.snapshot["usage"] or {}
    limit = (usage.get("limits") or {}).get(line.meter)
    if not limit:
        return ""
    facts = {"limit": figures.amount(Decimal(limit["amount"]))}
    if not limit["day"]:
        return _("your limit %(limit)s") % facts
    facts["day"] = days.day(date.fromisoformat(limit["day"]), figures.locale, year=False)
    return _("your limit %(limit)s, reached on %(day)s") % facts


def _minimum(line: InvoiceLine, figures: Figures) -> str:
    if "minimum_spend" in line.detail:
        amount = figures.amount(Decimal(line.detail["minimum_spend"]))
        return _("what base price and usage miss to %(amount)s") % {"amount": amount}
    return _("what usage misses to the least that is charged")


def _dates(line: InvoiceLine, figures: Figures) -> str:
    return days.instants(line.start, line.end, line.invoice.snapshot["timezone"], figures.locale)


def reason_words(credits: Mapping[str, Any]) -> str:
    """Why an invoice is taken back, as its credit note says."""
    return _("Invoice %(number)s is taken back: %(reason)s") % {
        "number": credits["number"],
        "reason": credits["reason"],
    }


def prepaid_words(use: Mapping[str, Any], currency: str) -> str:
    """What an invoice uses of a prepayment, as it must say."""
    return _(
        "Prepayment %(number)s: %(amount)s %(currency)s used, with VAT of %(tax)s that was invoiced there."
    ) % {
        **use,
        "currency": currency,
    }


def coupon_words(code: str, discount: Decimal, *, credit_note: bool = False) -> str:
    """The name of a coupon's row. `discount` as the document shows it: on an invoice a negative one takes an earlier
    discount back; on a credit note, whose amounts are what is given back, a positive one does.
    """
    taken_back = discount > 0 if credit_note else discount < 0
    text = _("Coupon %(code)s, taken back") if taken_back else _("Coupon %(code)s")
    return text % {"code": code}
