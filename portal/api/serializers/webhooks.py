"""Webhooks: endpoints, their secrets, and what became of what they were sent."""

import json
from typing import Any

from rest_framework import serializers

from billing.pricing.dates import utc
from billing.webhooks.models import Delivery, Endpoint, EventType
from portal.api.fields import Choice, Flag, Text
from portal.api.query import PageQuery
from portal.api.serializers.base import Answer, Body

TYPES = [str(each) for each in EventType.values]


class WebhookBody(Body):
    url = Text(max_length=2000, help_text="https, port 443, 80 or 8443, a host on the public internet.")
    types = serializers.ListField(
        child=Choice(choices=TYPES), required=False, min_length=1, max_length=20, help_text="Default: all."
    )
    description = Text(required=False, allow_blank=True, max_length=200)


class NewWebhookBody(WebhookBody):
    account = Text(
        required=False,
        allow_null=True,
        max_length=100,
        help_text="Whose events it hears. Null (installation keys only): every account's. Default: the key's own.",
    )


class WebhookChangeBody(WebhookBody):
    active = Flag(required=False, help_text="False: send nothing. True: send again what happens from now on.")


class WebhookAnswer(Answer):
    id = serializers.CharField()
    account = serializers.CharField(allow_null=True, help_text="Null: it hears of every account.")
    url = serializers.CharField()
    types = serializers.ListField(child=serializers.ChoiceField(choices=TYPES))
    description = serializers.CharField()
    active = serializers.BooleanField()
    inactive_because = serializers.ChoiceField(choices=Endpoint.Off.values, allow_null=True)
    failing_since = serializers.CharField(
        allow_null=True, help_text="The first failure since the last success."
    )
    created_at = serializers.CharField()


class NewWebhookAnswer(WebhookAnswer):
    secret = serializers.CharField(help_text="Shown this once. Verify each delivery with it.")


class SecretAnswer(Answer):
    secret = serializers.CharField(help_text="Shown this once. The one before signs beside it for 24 hours.")


class WebhooksQuery(PageQuery):
    account = Text(required=False, max_length=100, help_text="Only those of this account.")


class DeliveryAnswer(Answer):
    id = serializers.CharField()
    message = serializers.CharField(help_text="The webhook-id, the same on every try.")
    type = serializers.CharField()
    test = serializers.BooleanField()
    state = serializers.ChoiceField(choices=Delivery.State.values)
    attempts = serializers.IntegerField()
    created_at = serializers.CharField()
    last_tried_at = serializers.CharField(allow_null=True)
    next_try_at = serializers.CharField(allow_null=True)
    delivered_at = serializers.CharField(allow_null=True)
    response_status = serializers.IntegerField(allow_null=True, help_text="Of the last try.")
    error = serializers.ChoiceField(choices=Delivery.Error.values, allow_null=True)
    payload = serializers.JSONField(allow_null=True, help_text="What is sent. Null once it is not kept.")


def webhook_data(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": str(endpoint.pk),
        "account": endpoint.account and endpoint.account.code,
        "url": endpoint.url,
        "types": endpoint.types,
        "description": endpoint.description,
        "active": not endpoint.off,
        "inactive_because": endpoint.off or None,
        "failing_since": endpoint.failing_since and utc(endpoint.failing_since),
        "created_at": utc(endpoint.created_at),
    }


def delivery_data(delivery: Delivery) -> dict[str, Any]:
    message, payload = delivery.message, bytes(delivery.message.payload)
    instants = ("created_at", "last_tried_at", "next_try_at", "delivered_at")
    return {
        "id": str(delivery.pk),
        "message": str(message.pk),
        "type": message.type,
        "test": message.test,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        **{name: (at := getattr(delivery, name)) and utc(at) for name in instants},
        "response_status": delivery.response_status,
        "error": delivery.error or None,
        "payload": json.loads(payload) if payload else None,
    }
