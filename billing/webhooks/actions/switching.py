"""Switching an endpoint off and on."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Deed
from billing.webhooks.actions.keeping import keep
from billing.webhooks.models import Delivery, Endpoint


@transaction.atomic
def switch_off(endpoint: Endpoint, why: Endpoint.Off) -> None:
    """Send nothing more to it; what waits for it is given up, and may be sent again by hand once it is on.

    The owners are told by mail of what they did not do themselves (mail.py).
    """
    Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    endpoint.off, endpoint.off_at, endpoint.told_at = why, timezone.now(), None
    endpoint.save(update_fields=["off", "off_at", "told_at"])
    waiting = Delivery.objects.filter(endpoint=endpoint, next_try_at__isnull=False)
    waiting.update(next_try_at=None, error=Delivery.Error.OFF)
    keep(endpoint, Deed.WEBHOOK_OFF, why=why.value)


@transaction.atomic
def switch_on(endpoint: Endpoint) -> None:
    """Send to it again: messages from now on."""
    endpoint.off, endpoint.off_at, endpoint.failing_since = "", None, None
    endpoint.save(update_fields=["off", "off_at", "failing_since"])
    keep(endpoint, Deed.WEBHOOK_ON)
