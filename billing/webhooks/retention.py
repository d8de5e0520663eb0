"""What was sent is kept for a term, to look at and to send again; that a fact was told is kept for ever."""

from datetime import datetime, timedelta
from typing import Final

from accounts.scope import installation_scope
from billing.webhooks.models import Delivery, Message, Secret

KEPT: Final = timedelta(days=90)


def purge(now: datetime) -> int:
    """Remove deliveries of messages past their term, empty the messages, and drop secrets that expired; how many
    messages were emptied.
    """
    with installation_scope():
        past = Message.objects.filter(occurred_at__lt=now - KEPT).exclude(payload=b"")
        Delivery.objects.filter(message__in=past.values("pk")).delete()
        Secret.objects.filter(expires_at__lte=now).delete()
        return past.update(payload=b"")
