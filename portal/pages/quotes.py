"""A quote for a plan change: stay, switch at the period's end, switch now; exact, and held for 15 minutes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext

from accounts.models import Account
from billing.invoices.drafts import Draft
from billing.plans.actions import Actor, Preview
from billing.plans.errors import PlanError
from billing.plans.models import Plan, PlanVersion, Subscription
from billing.plans.previews import QUOTE_VALID
from billing.plans.queries import version_at
from billing.pricing.money import ZERO
from portal import dates, formats
from portal.offers import invoice_without_change, offer_change
from portal.pages.first_limit import first_limit
from portal.pages.limits import LimitForm


@dataclass(frozen=True, slots=True)
class QuoteRow:
    """An amount in each column; None: the line is not there."""

    name: str
    detail: str
    cells: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True)
class QuotePage:
    """`now` is None where customers may not switch at once; `refusal` then says why."""

    subscription: Subscription
    version: PlanVersion
    before: PlanVersion
    name: str
    before_name: str
    currency: str
    at: datetime
    valid_until: datetime
    switch_on: date
    end: Preview
    now: Preview | None
    refusal: str
    columns: tuple[str, ...]
    rows: Sequence[QuoteRow]
    foot: Sequence[QuoteRow]
    has_coupon: bool
    next_invoice_on: date
    chosen: str
    changed: str = ""
    limit: LimitForm | None = None

    @property
    def zero(self) -> Decimal:
        """What is paid on the day of a change that waits for the period's end."""
        return ZERO

    @property
    def prorated(self) -> Decimal:
        """What switching now adds to the next invoice, before tax."""
        return sum((line.amount for line in self.now.lines), ZERO) if self.now else ZERO

    @property
    def paid_now(self) -> bool:
        """Whether switching now is invoiced at once: another interval begins a new period."""
        return self.now is not None and self.now.next_invoice_at == self.now.effective_at


def quote_page(
    account: Account,
    subscription: Subscription,
    plan: Plan,
    at: datetime,
    *,
    chosen: str = "",
    changed: str = "",
    typed: LimitForm | None = None,
) -> QuotePage:
    """`typed`: what was entered for the first limit. Raises a `PlanError` if the plan cannot be chosen at all."""
    end = offer_change(subscription, plan, "period_end", actor=Actor.CUSTOMER)
    now, refusal = None, ""
    try:
        now = offer_change(subscription, plan, "now", actor=Actor.CUSTOMER)
    except PlanError as error:
        refusal = error.sentence
    before = version_at(subscription, at)
    version = end.preview.version
    assert version is not None  # noqa: S101  # only a cancellation has none
    period = subscription.periods.latest("number")
    names = formats.text_of(version.name), formats.text_of(before.name)
    invoices = [invoice_without_change(subscription), end.invoice, now.invoice if now else None]
    drafts = [draft for draft in invoices if draft is not None]
    return QuotePage(
        subscription=subscription,
        version=version,
        before=before,
        name=names[0],
        before_name=names[1],
        currency=version.currency,
        at=at,
        valid_until=at + QUOTE_VALID,
        switch_on=period.end_day,
        end=end.preview,
        now=now.preview if now else None,
        refusal=refusal,
        columns=_columns(names[1], period.end_day, now is not None),
        rows=_table([_entries(draft, names[1], at) for draft in drafts]),
        foot=_foot(drafts),
        has_coupon=any(draft.totals.discounts for draft in drafts),
        next_invoice_on=period.end_day,
        chosen=chosen,
        changed=changed,
        limit=first_limit(account, version, typed, before=before),
    )


def _columns(before: str, switch_on: date, now: bool) -> tuple[str, ...]:
    columns = [
        gettext("Stay on %(plan)s") % {"plan": before},
        gettext("Switch on %(day)s") % {"day": dates.day(switch_on, "MMMMd")},
    ]
    return (*columns, gettext("Switch today")) if now else tuple(columns)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An amount of the next invoice, by the row it stands in."""

    name: str
    detail: str
    amount: Decimal


def _entries(draft: Draft, plan: str, at: datetime) -> list[_Entry]:
    """The draft's lines, usage in one row; `plan` is the one whose prices it has."""
    used = gettext("counted until %(time)s, at %(plan)s prices") % {
        "time": dates.time(at, seconds=True),
        "plan": plan,
    }
    found = []
    for each in draft.lines:
        name, detail = formats.text_of(each.line.name), ""
        if each.line.kind == "usage":
            name, detail = gettext("Usage so far"), used
        elif each.line.kind == "base" and each.period is not None:
            name = gettext("Plan price of the next period")
            detail = dates.span(each.period.first_day, dates.last_day(each.period.end_day))
        found.append(_Entry(name, detail, each.line.amount))
    return found


def _table(columns: Sequence[Sequence[_Entry]]) -> list[QuoteRow]:
    """One row for each name, in the order in which columns bring them."""
    keys = list(dict.fromkeys((one.name, one.detail) for column in columns[::-1] for one in column))
    rows = []
    for name, detail in keys:
        own = [
            [one.amount for one in column if (one.name, one.detail) == (name, detail)] for column in columns
        ]
        rows.append(QuoteRow(name, detail, tuple(sum(cell, ZERO) if cell else None for cell in own)))
    return rows


def _foot(drafts: Sequence[Draft]) -> list[QuoteRow]:
    """Subtotal, coupons, tax and total of each column."""
    feet = [draft.totals for draft in drafts]
    given = [{one.code: -one.amount for one in foot.discounts} for foot in feet]
    codes = list(dict.fromkeys(code for column in given for code in column))
    return [
        QuoteRow(gettext("Subtotal, before tax"), "", tuple(foot.subtotal for foot in feet)),
        *(
            QuoteRow(
                gettext("Coupon %(code)s") % {"code": code}, "", tuple(column.get(code) for column in given)
            )
            for code in codes
        ),
        QuoteRow(gettext("Tax"), "", tuple(foot.tax_total for foot in feet)),
        QuoteRow(gettext("So far on the next invoice"), "", tuple(foot.total for foot in feet)),
    ]
