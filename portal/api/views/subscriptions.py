"""Subscriptions: what an account is on, and its changes, each shown before it is made."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from billing.plans.actions import Actor, preview_change, preview_take_back, take_back
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
    PreviewAnswer,
    ReactivateBody,
    SubscriptionAnswer,
    SubscriptionBody,
    TakeBackQuery,
    change_data,
    offer_data,
    subscription_data,
)
from portal.api.views.base import ApiView
from portal.offers import Offer, offer_cancel, offer_reactivate, offer_subscribe

EITHER = PolymorphicProxySerializer(
    "SubscriptionOrPreview", [SubscriptionAnswer, PreviewAnswer], resource_type_field_name=None
)
"""A call answers with the subscription, with `preview` with what would come of it."""


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
        responses={200: PreviewAnswer, 201: SubscriptionAnswer},
        parameters=[IDEMPOTENCY_KEY],
    )
    @once
    def post(self, request: Request, account: str) -> Response:
        """Put the account on a plan, or show what that comes to (`preview`).

        The first base price is invoiced at once; waiting events are counted.
        """
        found = account_of(request, account)
        read_query(request)
        body = read_body(SubscriptionBody, request.data)
        plan, start = plan_of(body["plan"]), _start(body, found)
        actor = actor_of(request)
        if body["preview"]:
            return Response(offer_data(offer_subscribe(found, plan, start, body["anchor"], actor=actor)))
        with new_quote():
            subscription = acts.subscribe(
                found, plan, start, body["anchor"], actor=actor, quote=body.get("quote")
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
        responses={200: EITHER},
    )
    @once
    def delete(self, request: Request, subscription: UUID) -> Response:
        """End the subscription with its period; or now, by an installation key, with its final invoice at once.

        With `preview=true`: what that comes to, and the final invoice as it stands.
        """
        found, actor = subscription_of(request, subscription), actor_of(request)
        query = read_query(request, CancelQuery)
        if query["preview"] == "true":
            return Response(offer_data(offer_cancel(found, query["when"], actor=actor)))
        with new_quote():
            acts.cancel(found, query["when"], actor=actor, quote=query.get("quote"))
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
        with new_quote():
            made = acts.change_plan(found, plan, when, at=at, actor=actor, quote=body.get("quote"))
        return Response(change_data(made))

    @extend_schema(operation_id="take_back_change", parameters=[TakeBackQuery], responses={200: EITHER})
    @once
    def delete(self, request: Request, subscription: UUID) -> Response:
        """Take back the change or cancellation that is scheduled for the period's end, or show what then goes on."""
        found = subscription_of(request, subscription)
        query = read_query(request, TakeBackQuery)
        if query["preview"] == "true":
            return Response(offer_data(Offer(preview_take_back(found), None)))
        with new_quote():
            take_back(found, quote=query.get("quote"))
        return Response(subscription_data(found, timezone.now()))


class ReactivateView(ApiView):
    @extend_schema(
        operation_id="reactivate_subscription",
        request=ReactivateBody,
        responses={200: EITHER, 201: SubscriptionAnswer},
        parameters=[IDEMPOTENCY_KEY],
    )
    @once
    def post(self, request: Request, subscription: UUID) -> Response:
        """Go on: take a scheduled cancellation back (200), or begin anew on the same plan after the end (201)."""
        found, actor = subscription_of(request, subscription), actor_of(request)
        read_query(request)
        body = read_body(ReactivateBody, request.data)
        if body["preview"]:
            return Response(offer_data(offer_reactivate(found, actor=actor)))
        with new_quote():
            running = acts.reactivate(found, actor=actor, quote=body.get("quote"))
        begun = status.HTTP_200_OK if running.pk == found.pk else status.HTTP_201_CREATED
        return Response(subscription_data(running, timezone.now()), status=begun)


@contextmanager
def new_quote() -> Iterator[None]:
    """Refuse a quote that no longer holds with the new one (409)."""
    try:
        yield
    except QuoteChanged as error:
        fault = [{"pointer": "/quote", "detail": error.sentence}]
        raise Problem(error.code, error.sentence, fault, extra=change_data(error.preview)) from error


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
