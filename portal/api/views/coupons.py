"""Coupons: what an account has redeemed, and redeeming one."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from billing.plans.actions import redeem
from billing.plans.models import Redemption
from billing.plans.queries import redeemed_coupons
from portal.api.auth import account_of
from portal.api.idempotency import once
from portal.api.paging import page_of_rows
from portal.api.query import read_query
from portal.api.schema import IDEMPOTENCY_KEY, listed, paged
from portal.api.serializers.base import read_body
from portal.api.serializers.coupons import CouponAnswer, CouponBody, coupon_data
from portal.api.views.base import ApiView


class CouponsView(ApiView):
    @extend_schema(operation_id="list_coupons", parameters=paged(), responses=listed(CouponAnswer))
    def get(self, request: Request, account: str) -> Response:
        """The account's coupons, oldest first: the order in which they take off."""
        found = account_of(request, account)
        redeemed = {one.redemption.pk: one for one in redeemed_coupons(found, timezone.now())}
        rows = Redemption.objects.filter(account=found)
        page = page_of_rows(request, rows, ["redeemed_at", "id"], lambda row: coupon_data(redeemed[row.pk]))
        return Response(page)

    @extend_schema(
        operation_id="redeem_coupon",
        request=CouponBody,
        responses={201: CouponAnswer},
        parameters=[IDEMPOTENCY_KEY],
    )
    @once
    def post(self, request: Request, account: str) -> Response:
        """Redeem a coupon: it covers the running service period's usage and what is invoiced from now on.

        Once for each account and coupon.
        """
        found = account_of(request, account)
        read_query(request)
        made = redeem(found, read_body(CouponBody, request.data)["code"])
        redeemed = redeemed_coupons(found, timezone.now())
        coupon = next(one for one in redeemed if one.redemption.pk == made.pk)
        return Response(coupon_data(coupon), status=status.HTTP_201_CREATED)
