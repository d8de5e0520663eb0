"""Redeemed coupons in words: what each takes off, and for how long still."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext, ngettext

from accounts.models import Account
from billing.plans.queries import redeemed_coupons
from billing.plans.queries.coupons import RedeemedCoupon
from portal import formats


@dataclass(frozen=True, slots=True)
class CouponRow:
    code: str
    takes: str
    left: str
    used_up: bool
    redeemed_at: datetime


@dataclass(frozen=True, slots=True)
class CouponEntry:
    """A code as it was typed, and what is wrong with it."""

    code: str = ""
    error: str = ""


def coupon_rows(account: Account, at: datetime) -> list[CouponRow]:
    """Oldest first: the order in which they take off."""
    return [
        CouponRow(
            code=one.redemption.coupon.code,
            takes=_takes(one, account.currency),
            left=_left(one),
            used_up=one.used_up,
            redeemed_at=one.redemption.redeemed_at,
        )
        for one in redeemed_coupons(account, at)
    ]


def any_left(rows: Sequence[CouponRow]) -> bool:
    """Whether a coupon still takes something off: figures without coupons then say so."""
    return any(not row.used_up for row in rows)


def _takes(coupon: RedeemedCoupon, currency: str) -> str:
    percent, amount = coupon.redemption.percent, coupon.redemption.amount
    if amount is not None:
        return gettext("%(amount)s a period") % {"amount": formats.money(amount, currency)}
    return formats.percent((percent or Decimal(0)).scaleb(-2), 4)


def _left(coupon: RedeemedCoupon) -> str:
    if coupon.left is None:
        return gettext("for ever")
    if coupon.used_up:
        return gettext("used up")
    count = coupon.redemption.periods or 0
    words = ngettext("%(left)s of %(count)s period left", "%(left)s of %(count)s periods left", count)
    return words % {"left": coupon.left, "count": count}
