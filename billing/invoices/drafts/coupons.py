"""What the coupons that an account redeemed take off a document: `billing.pricing.discounts` with the account's facts.

Which periods a coupon covers is in `billing.plans.queries.coupons`; what it gave in them before, in the documents
themselves. So the draft, the document that is issued and its verification ask the same function.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import Account
from billing.invoices.drafts.lines import DraftLine
from billing.invoices.models import Invoice
from billing.plans.models import Period
from billing.plans.queries.coupons import PeriodKey, key_of, redeemed_coupons
from billing.pricing.discounts import Coupon, CouponUse, Discount
from billing.pricing.money import plain
from billing.pricing.taxes import Tax
from billing.pricing.totals import TaxedLine

type Data = dict[str, Any]


def drafted_coupons(account: Account, lines: Iterable[DraftLine]) -> list[Coupon]:
    """The account's coupons for a document of these lines, oldest first."""
    periods = [each.period for each in lines if each.period is not None]
    return coupons_of(account, coming=[period for period in periods if period.pk is None])


def coupons_of(
    account: Account,
    *,
    coming: Iterable[Period] = (),
    redeemed_by: datetime | None = None,
    earlier: Sequence[Data] | None = None,
) -> list[Coupon]:
    """`earlier` are the uses on the documents before, as they keep them; those of all issued ones if it is None."""
    redeemed = redeemed_coupons(account, timezone.now(), coming, redeemed_by)
    if not redeemed:
        return []
    kept = _kept(account) if earlier is None else earlier
    return [
        Coupon(
            code=one.redemption.coupon.code,
            percent=one.redemption.percent,
            amount=one.redemption.amount,
            periods=one.keys,
            used=tuple(_use(each) for each in kept if each["coupon"] == one.redemption.coupon.code),
        )
        for one in redeemed
    ]


def taxed(
    kind: str, amount: Decimal, tax: Tax, period: Period | None, priced_at: datetime | None = None
) -> TaxedLine:
    """A line as discounts look at it, on a document of `priced_at`; None: of one that is not issued yet."""
    if period is None:
        return TaxedLine(amount, tax)
    charged = period.base_invoiced_at
    earlier = charged is not None and (priced_at is None or charged < priced_at)
    return TaxedLine(amount, tax, key_of(period), change=kind == "proration" and earlier)


def uses_data(coupons: Iterable[Discount]) -> list[Data]:
    """What coupons found and gave in each period, as a document keeps it. Amounts as they are owed, also on a credit
    note.
    """
    return [
        {
            "coupon": each.code,
            "subscription": subscription,
            "period": number,
            "billed": plain(use.billed),
            "discount": plain(use.discount),
        }
        for each in coupons
        for use in each.uses
        for subscription, number in [_key(use)]
    ]


def _use(kept: Data) -> CouponUse:
    key: PeriodKey = kept["subscription"], kept["period"]
    return CouponUse(key, Decimal(kept["billed"]), Decimal(kept["discount"]))


def _key(use: CouponUse) -> PeriodKey:
    assert isinstance(use.period, tuple)  # noqa: S101  # `taxed` made it
    subscription, number = use.period
    return subscription, number


def _kept(account: Account) -> list[Data]:
    """What the account's documents keep of their coupons."""
    rows = Invoice.objects.filter(account=account, snapshot__has_key="coupons")
    return [use for uses in rows.values_list("snapshot__coupons", flat=True) for use in uses]
