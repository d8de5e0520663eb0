"""The next invoice as it stands: the very draft that will be issued, and how it follows from the usage
page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext

from accounts.models import Account
from billing.invoices.drafts import Draft, draft_invoice
from billing.invoices.drafts.plan import following
from billing.invoices.paper.words import coupon_words
from billing.plans.queries import coming_after
from portal import formats
from portal.pages.documents import FootRow, LineGroup, draft_groups
from portal.pages.periods import period_holding, recent_periods


@dataclass(frozen=True, slots=True)
class UpcomingPage:
    draft: Draft
    currency: str
    as_of: datetime
    on: date
    groups: Sequence[LineGroup]
    foot: Sequence[FootRow]

    @property
    def total(self) -> Decimal:
        return self.draft.totals.total

    @property
    def usage_total(self) -> Decimal:
        return self.draft.usage_total


def upcoming_page(account: Account, at: datetime) -> UpcomingPage | None:
    """None while no period runs."""
    period = period_holding(account, at)
    if period is None:
        return None
    if period == recent_periods(account)[0]:  # the last one that is stored
        following.tell(period, coming_after(period.subscription, period))
    draft = draft_invoice(account, period, at)
    return UpcomingPage(draft, draft.currency, at, period.end_day, draft_groups(draft), draft_foot(draft))


def draft_foot(draft: Draft) -> list[FootRow]:
    """Subtotal, coupons, tax per rate, total, credit: the order of the contract's section 5."""
    foot = draft.totals
    rows = [FootRow(gettext("Subtotal, before tax"), foot.subtotal)]
    rows += [FootRow(coupon_words(one.code, one.amount), -one.amount) for one in foot.discounts]
    rows += [FootRow(tax_words(one.name, one.taxable, draft.currency), one.amount) for one in foot.taxes]
    rows.append(FootRow(gettext("Total"), foot.total, "sum"))
    if foot.credits_applied:
        rows.append(FootRow(gettext("Credit applied"), -foot.credits_applied))
    rows.append(FootRow(gettext("To pay, so far"), foot.amount_due, "grand"))
    return rows


def tax_words(name: str, taxable: Decimal, currency: str) -> str:
    return gettext("%(tax)s on %(amount)s") % {"tax": name, "amount": formats.money(taxable, currency)}
