"""A quote for a plan change: stay, switch at the period's end, switch now; exact, and held for 15 minutes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext

from accounts.models import Account
from billing.plans.actions import Actor, Preview, preview_change
from billing.plans.errors import PlanError
from billing.plans.models import Plan, PlanVersion, Subscription
from billing.plans.previews import QUOTE_VALID
from billing.plans.queries import next_period_dates, version_at
from billing.pricing.charges import localized
from billing.pricing.money import ZERO, round_money
from billing.usage.rating import rate_period
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
    totals: tuple[Decimal, ...]
    next_invoice_on: date
    chosen: str
    changed: str = ""

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
    period = subscription.periods.latest("number")
    names = formats.text_of(version.name), formats.text_of(before.name)
    rows = _rows(account, subscription, version, before=before, now=now, at=at)
    totals = tuple(
        sum((row.cells[at] or ZERO for row in rows), ZERO) for at in range(3 if now is not None else 2)
    )
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
        rows=rows,
        totals=totals,
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


def _rows(
    account: Account,
    subscription: Subscription,
    version: PlanVersion,
    *,
    before: PlanVersion,
    now: Preview | None,
    at: datetime,
) -> list[QuoteRow]:
    """The next invoice as it stands, line by line."""
    period = subscription.periods.select_related("account", "subscription__account").latest("number")
    used = rate_period(period).usage_total
    wide = now is not None
    rows = [
        QuoteRow(
            gettext("Usage so far"),
            gettext("counted until %(time)s, at %(plan)s prices")
            % {"time": dates.time(at, seconds=True), "plan": formats.text_of(before.name)},
            (used,) * (3 if wide else 2),
        )
    ]
    for line in now.lines if now else ():
        rows.append(QuoteRow(localized(line.name, account.locale), "", (None, None, line.amount)))
    upcoming = next_period_dates(subscription)
    base = tuple(round_money(one.base_price, one.currency) for one in (before, version))
    if upcoming is not None and not any(line.kind == "base" for line in (now.lines if now else ())):
        rows.append(
            QuoteRow(
                gettext("Plan price of the next period"),
                dates.span(upcoming.first_day, dates.last_day(upcoming.end_day)),
                (*base, base[1]) if wide else base,
            )
        )
    return rows
