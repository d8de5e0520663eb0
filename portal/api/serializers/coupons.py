"""Redeemed coupons."""

from typing import Any

from rest_framework import serializers

from billing.plans.queries.coupons import RedeemedCoupon
from billing.pricing.dates import utc
from billing.pricing.money import money_string, plain
from portal.api.fields import Text
from portal.api.serializers.base import Answer, Body
from portal.api.serializers.lines import SpanAnswer


class CouponBody(Body):
    code = Text(max_length=100)


class CouponAnswer(Answer):
    code = serializers.CharField()
    percent = serializers.CharField(allow_null=True)
    amount = serializers.CharField(allow_null=True, help_text="Off each service period, before tax.")
    currency = serializers.CharField(allow_null=True)
    periods = serializers.IntegerField(
        allow_null=True, help_text="How many service periods it covers. Null: all from the first on."
    )
    redeemed_at = serializers.CharField()
    covered = SpanAnswer(many=True, help_text="The service periods that it covers and that have begun.")
    periods_left = serializers.IntegerField(
        allow_null=True, help_text="Of `periods`, those that have not ended, the running one included."
    )


def coupon_data(coupon: RedeemedCoupon) -> dict[str, Any]:
    """The redeemed coupon as `CouponAnswer` describes it."""
    redemption = coupon.redemption
    amount, currency = redemption.amount, redemption.account.currency
    return {
        "code": redemption.coupon.code,
        "percent": None if redemption.percent is None else plain(redemption.percent),
        "amount": None if amount is None else money_string(amount, currency),
        "currency": None if amount is None else currency,
        "periods": redemption.periods,
        "redeemed_at": utc(redemption.redeemed_at),
        "covered": [{"start": utc(period.start), "end": utc(period.end)} for period in coupon.covered],
        "periods_left": coupon.left,
    }
