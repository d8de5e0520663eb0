"""Subscriptions: what an account is on, and its changes, each shown before it is made."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from billing.plans.actions import Actor, preview_change, take_back
from billing.plans.errors import QuoteChanged
from billing.plans.models import Plan, Subscription
from portal import acts
from portal.api.auth import account_of, api_key, require_installation
from portal.api.fields import instant_of
from portal.api.idempotency import once
from portal.api.paging import page_of_rows
from portal.api.problems import Problem, invalid, not_found
from portal.api.query import read_query
from portal.api.schema import IDEMPOTENCY_KEY, listed, paged
from portal.api.serializers.base import read_body
from portal.api.serializers.subscriptions import (
    CancelQuery,
    ChangeAnswer,
    ChangeBody,
    SubscriptionAnswer,
    SubscriptionBody,
    change_data,
    subscription_data,
)
from portal.api.views.base import ApiView


class SubscriptionsView(ApiView):
    @extend_schema(
        operation_id="list_subscriptions", parameters=paged(), responses=listed(SubscriptionAnswer)
    )
    def get(self, request: Request, account: str) -> Response:
        """The account's subscriptions, ended ones too, newest first."""
        now = timezone.now()
        rows = Subscription.objects.filter(account=account_of(request, account)).select_related("account")
        page = page_of_rows(request, rows, ["-started_at", "-id"], lambda row: subscription_data(row, now))
        return Response(page)

    @extend_schema(
        operation_id="subscribe",
        request=SubscriptionBody,
        responses={201: SubscriptionAnswer},
        parameters=[IDEMPOTENCY_KEY],
    )
    @once
    def post(self, request: Request, account: str) -> Response:
        """Put the account on a plan. The first base price is invoiced at once; waiting events are counted."""
        found = account_of(request, account)
        read_query(request)
        body = read_body(SubscriptionBody, request.data)
        start = _start(body, found)
        subscription = acts.subscribe(
            found, plan_of(body["plan"]), start, body["anchor"], actor=actor_of(request)
        )
        return Response(subscription_data(subscription, timezone.now()), status=status.HTTP_201_CREATED)


class SubscriptionView(ApiView):
    @extend_schema(operation_id="get_subscription", responses=SubscriptionAnswer)
    def get(self, request: Request, subscription: UUID) -> Response:
        """One subscription."""
        read_query(request)
        return Response(subscription_data(subscription_of(request, subscription), timezone.now()))

    @extend_schema(
        operation_id="cancel_subscription",
        parameters=[CancelQuery, IDEMPOTENCY_KEY],
        responses={200: SubscriptionAnswer},
    )
    @once
    def delete(self, request: Request, subscription: UUID) -> Response:
        """End the subscription with its period; or now, by an installation key, with its final invoice at once."""
        found = subscription_of(request, subscription)
        when = read_query(request, CancelQuery)["when"]
        acts.cancel(found, when, actor=actor_of(request))
        return Response(subscription_data(found, timezone.now()))


class ChangesView(ApiView):
    @extend_schema(
        operation_id="change_subscription",
        request=ChangeBody,
        responses={200: ChangeAnswer},
        parameters=[IDEMPOTENCY_KEY],
    )
    @once
    def post(self, request: Request, subscription: UUID) -> Response:
        """Show a change of plan (`preview`), or make it. With a `quote` that no longer holds: 409 with the new one."""
        found = subscription_of(request, subscription)
        read_query(request)
        body = read_body(ChangeBody, request.data)
        at, actor = body.get("at"), actor_of(request)
        if at is not None:
            require_installation(request, "Choosing the instant (`at`)")
        plan, when = plan_of(body["plan"]), body.get("when", "now")
        if body["preview"]:
            return Response(change_data(preview_change(found, plan, when, at=at, actor=actor)))
        try:
            made = acts.change_plan(found, plan, when, at=at, actor=actor, quote=body.get("quote"))
        except QuoteChanged as error:
            fault = [{"pointer": "/quote", "detail": error.sentence}]
            raise Problem(error.code, error.sentence, fault, extra=change_data(error.preview)) from error
        return Response(change_data(made))

    @extend_schema(operation_id="take_back_change", responses={200: SubscriptionAnswer})
    @once
    def delete(self, request: Request, subscription: UUID) -> Response:
        """Take back the change or cancellation that is scheduled for the period's end."""
        found = subscription_of(request, subscription)
        read_query(request)
        take_back(found)
        return Response(subscription_data(found, timezone.now()))


def _start(body: dict[str, Any], account: Account) -> datetime | None:
    try:
        return instant_of(body["start"], account.timezone) if body.get("start") else None
    except ValueError as error:
        raise invalid("/start", str(error)) from error


def actor_of(request: Request) -> Actor:
    """An account's own key may do what its customer may."""
    return Actor.INSTALLATION if api_key(request).account_id is None else Actor.CUSTOMER


def subscription_of(request: Request, subscription_id: UUID) -> Subscription:
    """The subscription, or problem 404 where it is unknown or not the key's."""
    rows = Subscription.objects.select_related("account").filter(pk=subscription_id)
    key = api_key(request)
    if key.account_id is not None:
        rows = rows.filter(account=key.account_id)
    found = rows.first()
    if found is None:
        raise not_found()
    return found


def plan_of(code: str) -> Plan:
    found = Plan.objects.filter(code=code).first()
    if found is None:
        raise invalid("/plan", "There is no plan of this code. GET /plans lists them.")
    return found
