"""Redeeming a coupon."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.activity import record
from accounts.models import Account, Deed
from billing.plans.errors import AlreadyRedeemed, CurrencyMismatch, UnknownCoupon
from billing.plans.models import Coupon, Redemption


@transaction.atomic
def redeem(account: Account, code: str, *, at: datetime | None = None) -> Redemption:
    """Redeem the coupon with this code: from now on, its terms as they are now. Raises a `PlanError`: UnknownCoupon,
    CurrencyMismatch, AlreadyRedeemed.

    Letters count whether large or small; a coupon whose code is exactly `code` goes first. `at` dates a redemption of
    made-up history back.
    """
    account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    coupon = _coupon(code.strip())
    if coupon.amount is not None and coupon.currency != account.currency:
        raise CurrencyMismatch(
            _("The coupon takes off %(coupon)s, the account is billed in %(account)s.")
            % {"coupon": coupon.currency, "account": account.currency},
            "code",
        )
    if Redemption.objects.filter(account=account, coupon=coupon).exists():
        raise AlreadyRedeemed(_("This coupon has been redeemed already: it counts once."), "code")
    record(account, Deed.COUPON_REDEEMED, coupon=coupon.code)
    return Redemption.objects.create(
        account=account,
        coupon=coupon,
        percent=coupon.percent,
        amount=coupon.amount,
        periods=coupon.periods,
        redeemed_at=at or timezone.now(),
    )


def _coupon(code: str) -> Coupon:
    """The coupon that is still given. An archived one is told like one that never was: codes are not for guessing."""
    found = sorted(
        Coupon.objects.filter(code__iexact=code, archived=False), key=lambda each: each.code != code
    )
    if not found:
        raise UnknownCoupon(_("No such coupon is given: check the code."), "code")
    return found[0]
