"""Webhooks: who is told of what, and what became of it."""

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from billing.webhooks import actions
from billing.webhooks.models import Delivery, Endpoint, EventType
from portal.api.auth import account_of, api_key
from portal.api.paging import page_of_rows
from portal.api.parsers import MergePatchParser, StrictJSONParser
from portal.api.problems import not_found
from portal.api.query import read_query
from portal.api.schema import listed, paged
from portal.api.serializers.base import read_body
from portal.api.serializers.webhooks import (
    DeliveryAnswer,
    NewWebhookAnswer,
    NewWebhookBody,
    SecretAnswer,
    WebhookAnswer,
    WebhookChangeBody,
    WebhooksQuery,
    delivery_data,
    webhook_data,
)
from portal.api.views.base import ApiView


class WebhooksView(ApiView):
    @extend_schema(operation_id="list_webhooks", parameters=[WebhooksQuery], responses=listed(WebhookAnswer))
    def get(self, request: Request) -> Response:
        """Oldest first. An account's key sees its own; an installation key all, its own (`account` null) among them."""
        rows = endpoints(request)
        if code := read_query(request, WebhooksQuery).get("account"):
            rows = rows.filter(account=account_of(request, code))
        return Response(page_of_rows(request, rows, ["created_at", "id"], webhook_data, WebhooksQuery))

    @extend_schema(operation_id="create_webhook", request=NewWebhookBody, responses={201: NewWebhookAnswer})
    def post(self, request: Request) -> Response:
        """Add an endpoint. The answer holds its secret, this once. The host must resolve, and be public."""
        read_query(request)
        body = read_body(NewWebhookBody, request.data)
        account = _account(request, body.get("account"))
        endpoint, secret = actions.add_endpoint(
            account, body["url"], body.get("types", EventType.values), body.get("description", "")
        )
        return Response({**webhook_data(endpoint), "secret": secret}, status=status.HTTP_201_CREATED)


class WebhookView(ApiView):
    parser_classes = (StrictJSONParser, MergePatchParser)

    @extend_schema(operation_id="get_webhook", responses=WebhookAnswer)
    def get(self, request: Request, webhook: UUID) -> Response:
        """One endpoint."""
        read_query(request)
        return Response(webhook_data(endpoint_of(request, webhook)))

    @extend_schema(
        operation_id="change_webhook",
        request={
            "application/json": WebhookChangeBody(partial=True),
            "application/merge-patch+json": WebhookChangeBody(partial=True),
        },
        responses=WebhookAnswer,
    )
    def patch(self, request: Request, webhook: UUID) -> Response:
        """Merge the given fields. What waits goes to the new address; switched off, what waits is given up."""
        found = endpoint_of(request, webhook)
        read_query(request)
        body = read_body(WebhookChangeBody, request.data, partial=True)
        return Response(webhook_data(actions.change_endpoint(found, **body)))

    @extend_schema(operation_id="delete_webhook", responses={204: None})
    def delete(self, request: Request, webhook: UUID) -> Response:
        """Remove it, with its secrets and the record of its deliveries."""
        found = endpoint_of(request, webhook)
        read_query(request)
        actions.remove_endpoint(found)
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookSecretView(ApiView):
    @extend_schema(operation_id="rotate_webhook_secret", request=None, responses={201: SecretAnswer})
    def post(self, request: Request, webhook: UUID) -> Response:
        """Make a new secret, shown this once. For 24 hours deliveries bear a signature of the one before too."""
        found = endpoint_of(request, webhook)
        read_query(request)
        return Response({"secret": actions.rotate_secret(found)}, status=status.HTTP_201_CREATED)


class WebhookTestView(ApiView):
    @extend_schema(operation_id="test_webhook", request=None, responses={202: DeliveryAnswer})
    def post(self, request: Request, webhook: UUID) -> Response:
        """Send a message of type `webhook.test` to this endpoint alone; its delivery says what became of it."""
        found = endpoint_of(request, webhook)
        read_query(request)
        return Response(delivery_data(actions.send_test(found)), status=status.HTTP_202_ACCEPTED)


class WebhookDeliveriesView(ApiView):
    @extend_schema(
        operation_id="list_webhook_deliveries", parameters=paged(), responses=listed(DeliveryAnswer)
    )
    def get(self, request: Request, webhook: UUID) -> Response:
        """What the endpoint was sent, newest first."""
        rows = Delivery.objects.filter(endpoint=endpoint_of(request, webhook)).select_related("message")
        return Response(page_of_rows(request, rows, ["-created_at", "-id"], delivery_data))


class WebhookRetryView(ApiView):
    @extend_schema(operation_id="retry_webhook_delivery", request=None, responses={202: DeliveryAnswer})
    def post(self, request: Request, webhook: UUID, delivery: UUID) -> Response:
        """Send it again now, whatever became of it; the webhook-id stays the same."""
        endpoint = endpoint_of(request, webhook)
        read_query(request)
        found = Delivery.objects.filter(pk=delivery, endpoint=endpoint).first()
        if found is None:
            raise not_found()
        return Response(delivery_data(actions.send_again(found)), status=status.HTTP_202_ACCEPTED)


def endpoints(request: Request) -> QuerySet[Endpoint]:
    """Those that the key may see."""
    rows, own = Endpoint.objects.select_related("account"), api_key(request).account_id
    return rows if own is None else rows.filter(account=own)


def endpoint_of(request: Request, webhook: UUID) -> Endpoint:
    """The endpoint, or problem 404 where it is unknown or not the key's."""
    found = endpoints(request).filter(pk=webhook).first()
    if found is None:
        raise not_found()
    return found


def _account(request: Request, code: str | None) -> Account | None:
    """Whose endpoint is meant: the key's own account, the one that is named, or nobody's but the installation's."""
    return api_key(request).account if code is None else account_of(request, code)
