"""Sending by hand: a test, and what was sent before."""

from uuid import uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.webhooks.actions.announce import Fact, wake, write
from billing.webhooks.actions.endpoints import locked
from billing.webhooks.errors import WebhookError
from billing.webhooks.models import TEST_TYPE, Delivery, Endpoint, Message
from billing.webhooks.retrying import TRY_FOR


@transaction.atomic
def send_test(endpoint: Endpoint) -> Delivery:
    """Send a message of type `webhook.test` to this endpoint alone. One at a time. Raises `WebhookError`."""
    found = _in_use(endpoint)
    waiting = Delivery.objects.filter(
        endpoint=found, message__type=TEST_TYPE, attempts=0, next_try_at__isnull=False
    )
    if waiting.exists():
        raise WebhookError("conflict", "", _("A test is on its way already: see what becomes of it first."))
    account, now = found.account, timezone.now()
    data = {"account": account and account.code, "webhook": str(found.pk)}
    fact = str(uuid4())
    write([Fact(account, TEST_TYPE, data, fact, now, test=True)])
    message = Message.objects.get(type=TEST_TYPE, fact=fact)
    Message.objects.filter(pk=message.pk).update(spread_at=now)  # it goes nowhere else
    return Delivery.objects.create(
        message=message,
        endpoint=found,
        account_id=found.account_id,
        next_try_at=now,
        give_up_at=now + TRY_FOR,
    )


@transaction.atomic
def send_again(delivery: Delivery) -> Delivery:
    """Send it now, whatever became of it, and begin the three days anew; the webhook-id stays.

    Raises `WebhookError`.
    """
    _in_use(delivery.endpoint)
    found = Delivery.objects.select_related("message", "endpoint").get(pk=delivery.pk)
    if not found.message.payload:
        raise WebhookError("gone", "", _("What was sent is not kept any more: ask the API for it."))
    now = timezone.now()
    found.attempts, found.next_try_at, found.give_up_at, found.delivered_at = 0, now, now + TRY_FOR, None
    found.save(update_fields=["attempts", "next_try_at", "give_up_at", "delivered_at"])
    wake()
    return found


def _in_use(endpoint: Endpoint) -> Endpoint:
    found = locked(endpoint)
    if found.off:
        raise WebhookError("conflict", "", _("The webhook is switched off: switch it on first."))
    return found
