"""What an issued invoice keeps of the day it was issued: everything that paper and electronic invoice say.

It never joins to today's data: a renamed customer, a moved seller or a new plan name leaves it alone.
"""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import override

from accounts.models import Account
from billing.invoices.drafts import Draft, DraftLine
from billing.invoices.drafts.coupons import uses_data
from billing.invoices.mentions import mentions
from billing.invoices.models import Invoice
from billing.limits.queries import versions_in
from billing.plans.models import Period
from billing.pricing.charges import localized
from billing.pricing.money import ZERO, exact, money_string, plain
from billing.pricing.totals import TaxAmount
from billing.usage.rating import daily_costs

FORMAT: Final = 1
"""Of the snapshot; a later one is read beside it, never written over it."""

BUYER: Final = (
    *("code", "name", "email", "tax_id", "legal_id", "purchase_order"),
    *("line1", "line2", "postcode", "city", "country"),
)


def take_snapshot(draft: Draft, sign: int) -> dict[str, Any]:
    """The snapshot of `draft`; `sign` -1 for a credit note, whose amounts are what is given back."""
    account, foot, currency = draft.account, draft.totals, draft.currency
    with override(account.locale):
        said = mentions({each.tax_found.category for each in draft.lines}, settings.SELLER.country)
    return {
        "format": FORMAT,
        "locale": account.locale,
        "timezone": draft.period.timezone,
        "rounding": "half-up",
        "seller": seller_data(),
        "buyer": {name: getattr(account, name) for name in BUYER},
        "discounts": draft.discounts_data(sign),
        "coupons": uses_data(foot.coupons),
        "taxes": [_tax_data(tax, sign, currency) for tax in foot.taxes],
        "usage": _usage_data(draft) if draft.rated else None,
        "terms_days": settings.PAYMENT_TERMS_DAYS,
        "site_url": settings.SITE_URL,
        "mentions": [text for _code, text in said],
        "mention_codes": [code for code, _text in said],
        "preceding": _preceding(draft) if sign < 0 else [],
    }


def _preceding(draft: Draft) -> list[dict[str, str]]:
    """The invoices that charged what a credit note takes back: those of the periods of its lines, oldest first."""
    periods = {each.period.pk for each in draft.lines if each.period is not None}
    charged = Invoice.objects.filter(
        account=draft.account, kind=Invoice.Kind.INVOICE, lines__period__in=periods - {None}
    )
    zone = ZoneInfo(draft.period.timezone)
    return [
        {"number": number, "issued_on": issued_at.astimezone(zone).date().isoformat()}
        for number, issued_at in charged.order_by("issued_at").values_list("number", "issued_at").distinct()
    ]


def seller_data() -> dict[str, Any]:
    """Who issues: SELLER_ADDRESS is one line of an address for each of its lines, or of its parts between commas."""
    seller = settings.SELLER
    separator = r"\n" if "\n" in seller.address else ","
    return {
        "name": seller.name,
        "address": [part.strip() for part in re.split(separator, seller.address) if part.strip()],
        "country": seller.country,
        "vat_id": seller.vat_id,
        "legal_id": seller.legal_id,
        "iban": seller.iban.replace(" ", ""),
        "bic": seller.bic,
        "email": settings.DEFAULT_FROM_EMAIL,
    }


def _tax_data(tax: TaxAmount, sign: int, currency: str) -> dict[str, str]:
    return {
        "code": tax.code,
        "name": tax.name,
        "category": tax.category,
        "rate": plain(tax.rate),
        "discount": money_string(sign * tax.discount, currency),
        "taxable": money_string(sign * tax.taxable, currency),
        "amount": money_string(sign * tax.amount, currency),
    }


def _usage_data(draft: Draft) -> dict[str, Any]:
    """The period's usage by local day and charge, exact, and what its limits were."""
    period = draft.period
    costs = daily_costs(period)
    return {
        "first_day": period.first_day.isoformat(),
        "last_day": period.last_day.isoformat(),
        "total": money_string(draft.usage_total, draft.currency),
        "names": _names(draft.lines, draft.account),
        "days": [
            [day.isoformat(), {code: plain(cost) for code, cost in by_charge.items()}]
            for day, by_charge in costs
        ],
        "limits": _limits(period, costs, draft) if any(_is_waiver(each) for each in draft.lines) else {},
    }


def _names(lines: Iterable[DraftLine], account: Account) -> dict[str, str]:
    used = [each.line for each in lines if each.line.kind == "usage"]
    return {line.charge or "": localized(line.name, account.locale) for line in used}


def _is_waiver(each: DraftLine) -> bool:
    return each.line.kind == "limit_waiver"


def _limits(period: Period, costs: list[tuple[date, dict[str, Decimal]]], draft: Draft) -> dict[str, Any]:
    """By meter ("" for the account's): the amount in force at the end, and the day on which usage reached it."""
    meters = {each.line.charge or "": each.line.meter for each in draft.lines if each.line.kind == "usage"}
    found = {}
    for meter, versions in versions_in(period).items():
        amount = versions[-1].amount if versions else None
        if amount is not None:
            code = meter.code if meter else ""
            found[code] = {
                "amount": money_string(amount, draft.currency),
                "day": _day_of(amount, code, costs, meters),
            }
    return found


@exact()
def _day_of(
    amount: Decimal, meter: str, costs: list[tuple[date, dict[str, Decimal]]], meters: dict[str, str | None]
) -> str | None:
    running = ZERO
    for day, by_charge in costs:
        running += sum((c for code, c in by_charge.items() if meter in ("", meters.get(code))), ZERO)
        if running >= amount:
            return day.isoformat()
    return None
