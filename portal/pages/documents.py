"""Lines of invoices, issued or to come, as customers read them: groups, tiers, sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import get_language, gettext

from billing.invoices.drafts import Draft, DraftLine
from billing.invoices.models import InvoiceLine
from billing.invoices.queries import before_of
from billing.plans.models import PlanVersion
from billing.plans.queries import plan_terms
from billing.pricing.charges import localized
from billing.pricing.dates import local_date
from billing.pricing.money import ZERO
from portal import dates, formats
from portal.pages import prices

USAGE_KINDS: Final = ("usage", "minimum", "limit_waiver")


@dataclass(frozen=True, slots=True)
class TierRow:
    """A step of a line's working: exact amounts, all with the same decimals."""

    name: str
    quantity: str
    each: str
    cost: str


@dataclass(frozen=True, slots=True)
class PaperLine:
    """A line; `url` leads to its days and events, where it has any. `exact` ends the working: "exact →
    rounded"."""

    key: str
    kind: str
    name: str
    detail: str
    quantity: str
    unit: str
    amount: Decimal
    tiers: Sequence[TierRow]
    exact: str
    url: str

    @property
    def waived(self) -> bool:
        return self.kind == "limit_waiver"


@dataclass(frozen=True, slots=True)
class LineGroup:
    title: str
    lines: Sequence[PaperLine]


@dataclass(frozen=True, slots=True)
class FootRow:
    """A row below the lines; `strong` is "sum", "grand" or nothing."""

    name: str
    amount: Decimal
    strong: str = ""


def draft_groups(draft: Draft) -> list[LineGroup]:
    language = get_language() or "en"
    lines = [
        (
            each.line.start,
            each.line.end,
            PaperLine(
                key=f"line-{place}",
                kind=each.line.kind,
                name=localized(each.line.name, language),
                detail=_detail(each.line.kind, each.line.charge, each.version, each.detail, draft.currency),
                quantity=_quantity(each.line.kind, each.line.quantity),
                unit=formats.plural(localized(each.line.unit, language), each.line.quantity),
                amount=each.line.amount,
                tiers=tier_rows([row.as_data() for row in each.line.tiers], draft.currency),
                exact=_exact(each.line.exact_amount, each.line.amount, draft.currency),
                url=_usage_url(each, draft),
            ),
        )
        for place, each in enumerate(draft.lines)
    ]
    return _groups(lines, draft.period.timezone)


def issued_groups(lines: Sequence[InvoiceLine], number: str, currency: str, zone: str) -> list[LineGroup]:
    rows = [
        (
            one.start,
            one.end,
            PaperLine(
                key=f"line-{one.pk}",
                kind=one.kind,
                name=one.description,
                detail=_detail(one.kind, one.charge, one.version, one.detail, currency),
                quantity=_quantity(one.kind, one.quantity),
                unit=formats.plural(one.unit, one.quantity or ZERO),
                amount=one.amount,
                tiers=tier_rows(one.tiers, currency),
                exact=_exact(one.exact_amount, one.amount, currency),
                url=reverse("portal:invoice_line", args=[number, one.pk]) if one.kind == "usage" else "",
            ),
        )
        for one in lines
    ]
    return _groups(rows, zone)


def tier_rows(tiers: Sequence[Mapping[str, Any]], currency: str) -> list[TierRow]:
    """The working, its decimals padded to one width."""
    amounts = [Decimal(row["amount"]) for row in tiers]
    each = [Decimal(row["unit_price"]) for row in tiers]
    wide = max((_places(one) for one in amounts), default=0)
    narrow = max((_places(one) for one in each), default=0)
    rows, below = list[TierRow](), ZERO
    for row, amount, price in zip(tiers, amounts, each, strict=True):
        used = Decimal(row["quantity"])
        rows.append(
            TierRow(
                name=_tier_name(row, used, below),
                quantity=formats.number(used),
                each=_each(row, price, narrow, currency),
                cost=formats.money_exact(amount, currency, wide),
            )
        )
        below = Decimal(row["up_to"]) if row.get("up_to") else below
    return rows


def _tier_name(row: Mapping[str, Any], used: Decimal, below: Decimal) -> str:
    """What the step is, in words."""
    kind = row.get("kind", "tier")
    words = {
        "package": gettext("Packages begun"),
        "percentage": gettext("Share of the amounts"),
        "per_event": gettext("Minimum and maximum per event"),
        "maximum": gettext("Above the maximum, not charged"),
        "floor": gettext("Never below zero"),
        "fall": gettext("Never below zero"),
    }
    if kind in words:
        return words[kind]
    if kind == "included":
        return gettext("First %(count)s, included") % {"count": formats.number(used)}
    if row.get("up_to") is not None:
        return gettext("Up to %(count)s") % {"count": formats.number(Decimal(row["up_to"]))}
    return gettext("Above %(count)s") % {"count": formats.number(below)} if below else gettext("Each unit")


def _each(row: Mapping[str, Any], price: Decimal, places: int, currency: str) -> str:
    if row.get("rate") is not None:
        return formats.percent(Decimal(row["rate"]) / 100, 4)
    text = formats.money_exact(price, currency, places)
    flat = Decimal(row.get("flat_price") or 0)
    return f"{text} + {formats.unit_price(flat, currency)}" if flat and price else text


def _groups(lines: Sequence[tuple[datetime, datetime, PaperLine]], zone: str) -> list[LineGroup]:
    """Neighbouring lines of one kind and span under one title."""
    groups = list[tuple[str, list[PaperLine]]]()
    for start, end, line in lines:
        title = _title(line.kind, start, end, zone)
        if not groups or groups[-1][0] != title:
            groups.append((title, []))
        groups[-1][1].append(line)
    return [LineGroup(title, own) for title, own in groups]


def _title(kind: str, start: datetime, end: datetime, zone: str) -> str:
    words = {
        "base": gettext("Plan, %(span)s"),
        "proration": gettext("Change of plan, %(span)s"),
        "late_usage": gettext("Late usage, %(span)s"),
        "adjustment": gettext("Adjustments, %(span)s"),
    }
    text = gettext("Usage, %(span)s") if kind in USAGE_KINDS else words[kind]
    return text % {"span": local_span(start, end, zone)}


def local_span(start: datetime, end: datetime, zone: str) -> str:
    """The local days of [start, end), the last one inside."""
    last = local_date(end, zone)
    if end.astimezone(ZoneInfo(zone)).time().isoformat() == "00:00:00" and end > start:
        last = dates.last_day(last)
    return dates.span(local_date(start, zone), last)


def _detail(
    kind: str, charge: str | None, version: PlanVersion | None, detail: Mapping[str, Any], currency: str
) -> str:
    """The price of a usage line; what a plan line is."""
    if kind == "base":
        return gettext("Price of the period, in advance")
    if kind == "limit_waiver":
        return gettext("What arrived after your limit was reached")
    if kind != "usage" or version is None:
        return ""
    terms = plan_terms(version)
    own = next((one for one in terms.charges if one.code == charge), None)
    if own is None:
        return ""
    words = prices.price_words(own, currency)
    free = prices.included(own)
    if free:
        words = gettext("%(price)s, %(count)s included") % {"price": words, "count": formats.quantity(free)}
    before = before_of(detail)
    if not before:
        return words
    going_on = gettext("going on from %(quantity)s used and %(amount)s charged at these prices") % {
        "quantity": formats.quantity(Decimal(before["quantity"])),
        "amount": formats.money(Decimal(before["amount"]), currency),
    }
    return f"{words}, {going_on}"


def _quantity(kind: str, quantity: Decimal | None) -> str:
    if quantity is None or kind in ("limit_waiver", "minimum", "adjustment"):
        return ""
    return formats.quantity(quantity)


def _exact(exact: Decimal, amount: Decimal, currency: str) -> str:
    return f"{formats.money_exact(exact, currency)} → {formats.money(amount, currency)}"


def _usage_url(each: DraftLine, draft: Draft) -> str:
    """A running line leads to the explorer, whose days add up to it."""
    if each.line.kind != "usage" or each.line.meter is None:
        return ""
    last = min(dates.last_day(draft.period.end_day), local_date(draft.as_of, draft.period.timezone))
    first = draft.period.first_day
    return f"{reverse('portal:usage')}?meter={each.line.meter}&from={first.isoformat()}&to={last.isoformat()}"


def _places(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
