"""A quote for a plan change: stay, switch at the period's end, switch now; exact, and held for 15 minutes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext

from accounts.models import Account
from billing.invoices.drafts import draft_invoice
from billing.invoices.drafts.lines import Taxes
from billing.plans.actions import Actor, Preview, preview_change
from billing.plans.errors import PlanError
from billing.plans.models import Period, Plan, PlanVersion, Subscription
from billing.plans.previews import QUOTE_VALID
from billing.plans.queries import NextPeriod, next_period_dates, version_at
from billing.pricing.money import ZERO, round_money
from billing.pricing.taxes import Tax
from billing.pricing.totals import TaxedLine, totals
from portal import dates, formats


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
    end: Preview | None
    now: Preview | None
    refusal: str
    columns: tuple[str, ...]
    rows: Sequence[QuoteRow]
    foot: Sequence[QuoteRow]
    next_invoice_on: date
    chosen: str
    changed: str = ""

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
) -> QuotePage:
    """Raises a `PlanError` if the plan cannot be chosen at all."""
    end = preview_change(subscription, plan, "period_end", actor=Actor.CUSTOMER)
    now, refusal = None, ""
    try:
        now = preview_change(subscription, plan, "now", actor=Actor.CUSTOMER)
    except PlanError as error:
        refusal = error.sentence
    before = version_at(subscription, at)
    version = end.version
    assert version is not None  # noqa: S101  # only a cancellation has none
    period = subscription.periods.select_related("subscription__account", "base_version__plan").latest(
        "number"
    )
    names = formats.text_of(version.name), formats.text_of(before.name)
    columns = _columns_of(account, period, before, version, now=now, at=at)
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
        end=end,
        now=now,
        refusal=refusal,
        columns=_columns(names[1], period.end_day, now),
        rows=_table(columns),
        foot=_foot(columns, version.currency),
        next_invoice_on=period.end_day,
        chosen=chosen,
        changed=changed,
    )


def _columns(before: str, switch_on: date, now: Preview | None) -> tuple[str, ...]:
    columns = [
        gettext("Stay on %(plan)s") % {"plan": before},
        gettext("Switch on %(day)s") % {"day": dates.day(switch_on, "MMMMd")},
    ]
    return (*columns, gettext("Switch today")) if now is not None else tuple(columns)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An amount of the next invoice, by the row it stands in, with the tax it bears."""

    name: str
    detail: str
    amount: Decimal
    tax: Tax


def _columns_of(
    account: Account,
    period: Period,
    before: PlanVersion,
    version: PlanVersion,
    *,
    now: Preview | None,
    at: datetime,
) -> list[list[_Entry]]:
    """The next invoice as it stands: staying, switching at the period's end, switching now."""
    taxes = Taxes(account, period.end_day)
    drafted = _drafted(account, period, before, at)
    upcoming = next_period_dates(period.subscription)
    columns = [drafted + _base(one, taxes, upcoming) for one in (before, version)]
    if now is not None:
        switched = [
            _Entry(formats.text_of(line.name), "", line.amount, taxes.of(line.tax)) for line in now.lines
        ]
        begun = any(line.kind == "base" for line in now.lines)
        columns.append(drafted + switched + ([] if begun else _base(version, taxes, upcoming)))
    return columns


def _drafted(account: Account, period: Period, before: PlanVersion, at: datetime) -> list[_Entry]:
    """What the draft holds besides the base price of the next period."""
    used = gettext("counted until %(time)s, at %(plan)s prices") % {
        "time": dates.time(at, seconds=True),
        "plan": formats.text_of(before.name),
    }
    found = []
    for each in draft_invoice(account, period, at).lines:
        if each.line.kind == "usage":
            found.append(_Entry(gettext("Usage so far"), used, each.line.amount, each.tax))
        elif each.line.kind != "base":
            found.append(_Entry(formats.text_of(each.line.name), "", each.line.amount, each.tax))
    return found


def _base(version: PlanVersion, taxes: Taxes, upcoming: NextPeriod | None) -> list[_Entry]:
    if upcoming is None or not version.base_price:
        return []
    days = dates.span(upcoming.first_day, dates.last_day(upcoming.end_day))
    amount = round_money(version.base_price, version.currency)
    return [_Entry(gettext("Plan price of the next period"), days, amount, taxes.of(version.tax))]


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


def _foot(columns: Sequence[Sequence[_Entry]], currency: str) -> list[QuoteRow]:
    """Subtotal, tax and total of each column, by the rules of the invoice."""
    sums = [
        totals([TaxedLine(one.amount, one.tax) for one in column], (), ZERO, currency) for column in columns
    ]
    return [
        QuoteRow(gettext("Subtotal, before tax"), "", tuple(one.subtotal for one in sums)),
        QuoteRow(gettext("Tax"), "", tuple(one.tax_total for one in sums)),
        QuoteRow(gettext("So far on the next invoice"), "", tuple(one.total for one in sums)),
    ]
