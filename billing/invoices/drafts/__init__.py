"""`draft_invoice`: what a period comes to, be it running or closed.

The same function answers `/spend`, fills the upcoming page and makes the issued invoice, so they cannot disagree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from accounts.models import Account
from accounts.reading import one_reading
from billing.invoices.drafts.coupons import drafted_coupons, taxed
from billing.invoices.drafts.late import candidates, late_lines
from billing.invoices.drafts.lines import Data, DraftLine, Taxes, unmixed
from billing.invoices.drafts.plan import base_lines, following, minimum_spend_lines, waiting, waiting_lines
from billing.invoices.drafts.usage import usage_lines
from billing.invoices.ledger.credit import credit_left
from billing.plans.models import Period
from billing.pricing.money import ZERO, money_string
from billing.pricing.totals import Totals, totals
from billing.usage.rating import Asked, RatedPeriod, rate_period, usage_ahead

__all__ = ["Data", "Draft", "DraftLine", "base_draft", "draft_invoice"]


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice that is not issued. Amounts are in whole minor units of `currency`.

    `period` is the service period that it closes, `rated` its usage; `base_of` the period whose base price it charges
    in advance. `usage_total` is the period's usage before waivers. A negative `totals.total` is a credit note.
    """

    account: Account
    currency: str
    period: Period
    as_of: datetime
    lines: tuple[DraftLine, ...]
    totals: Totals
    usage_total: Decimal
    rated: RatedPeriod | None
    base_of: Period | None

    @property
    def subtotal(self) -> Decimal:
        return self.totals.subtotal

    def lines_data(self) -> list[Data]:
        """The lines as the API shows them, in the account's language."""
        return [each.as_data(place, self.account.locale) for place, each in enumerate(self.lines, 1)]

    def discounts_data(self, sign: int = 1) -> list[Data]:
        """What coupons took off, as the contract's section 8 shows it; `sign` -1 on a credit note."""
        return [
            {"coupon": each.code, "amount": money_string(sign * each.amount, self.currency)}
            for each in self.totals.discounts
        ]


@one_reading()
def draft_invoice(account: Account, period: Period, as_of: datetime) -> Draft:
    """The invoice that closes `period`, with the usage up to `as_of`, lines in the contract's order (section 5).

    Base price: of the period that follows, if one does. Read it inside the account's scope; nothing is stored.
    Tax points: the last day of `period`; of a base price in advance the first day of its own.
    """
    now = timezone.now()
    taxes = Taxes(account, max(period.first_day, period.last_day))
    until = min(as_of, period.end) if as_of < now or as_of >= period.end else None  # None: so far
    usage_ahead([Asked(period, until, as_of=now), *(Asked(late) for late in candidates(period))])
    rated = rate_period(period, until, as_of=now)
    after = following(period)
    used = usage_lines(rated, taxes)
    lines = [
        *used,
        *(base_lines(after, Taxes(account, after.first_day)) if after else ()),
        *waiting_lines(waiting(period), period, taxes),
        *minimum_spend_lines(period, used, taxes),
        *late_lines(period, taxes),
    ]
    return _draft(account, period, as_of, _in_order(lines), rated=rated, base_of=after)


def base_draft(account: Account, period: Period, as_of: datetime) -> Draft:
    """The invoice of the base price of `period` alone: the first one of a subscription."""
    lines = base_lines(period, Taxes(account, period.first_day))
    return _draft(account, period, as_of, lines, base_of=period)


def _draft(
    account: Account,
    period: Period,
    as_of: datetime,
    lines: Sequence[DraftLine],
    *,
    rated: RatedPeriod | None = None,
    base_of: Period | None = None,
) -> Draft:
    lines = unmixed(lines)
    coupons = drafted_coupons(account, lines)
    foot = totals(
        [taxed(each.line.kind, each.line.amount, each.tax, each.period) for each in lines],
        coupons,
        credit_left(account.pk),
        account.currency,
    )
    usage_total = rated.usage_total if rated else ZERO
    return Draft(account, account.currency, period, as_of, tuple(lines), foot, usage_total, rated, base_of)


def _in_order(lines: Iterable[DraftLine]) -> list[DraftLine]:
    """Adjustments stand last; the others keep the order they come in."""
    return sorted(lines, key=lambda each: each.line.kind == "adjustment")
