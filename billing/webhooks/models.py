"""What is told to whom: facts as messages, the addresses that hear of them, and how each delivery went.

A row without an account is the installation's: its endpoints hear of every account, and no customer sees them.
"""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User

TEST_TYPE = "webhook.test"
"""What "send a test" sends. It goes to the one endpoint that is tried, so nobody chooses it."""


class EventType(models.TextChoices):
    """What an endpoint may hear of (contract, section 8)."""

    LIMIT_THRESHOLD_REACHED = "limit.threshold_reached", _("A threshold of a limit is reached")
    LIMIT_STOPPED = "limit.stopped", _("A limit stops usage")
    INVOICE_ISSUED = "invoice.issued", _("An invoice or a credit note is issued")
    INVOICE_PAID = "invoice.paid", _("An invoice is paid")
    SUBSCRIPTION_CHANGED = "subscription.changed", _("The subscription changes")
    USAGE_ANOMALY = "usage.anomaly", _("Usage is out of the ordinary")


class Endpoint(models.Model):
    """An address that is told of the facts of its `types`."""

    class Off(models.TextChoices):
        BY_HAND = "by_hand", _("switched off by hand")
        GONE = "gone", _("it answered 410 Gone")
        FAILING = "failing", _("no delivery went through for five days")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="webhooks")
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=200, blank=True)
    types = models.JSONField(default=list, help_text=_("Types of events"))
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # Why nothing is sent to it; empty while it is in use.
    off = models.CharField(max_length=10, choices=Off, blank=True, editable=False)
    off_at = models.DateTimeField(null=True, editable=False)
    # Set once the mail about that was taken; only what we switch off ourselves is told.
    told_at = models.DateTimeField(null=True, editable=False)
    # The first failure since the last success.
    failing_since = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["created_at", "id"]

    def __str__(self) -> str:
        return self.url


class Secret(models.Model):
    """A key that deliveries are signed with, sealed (sealing.py). One that was replaced signs on until `expires_at`."""

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="secrets")
    account = models.ForeignKey(Account, models.CASCADE, null=True, related_name="+")
    sealed = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["endpoint"], condition=models.Q(expires_at=None), name="one_webhook_secret_in_force"
            )
        ]


class Message(models.Model):
    """A fact, once; `id` is the webhook-id and `payload` the very bytes that are signed and sent.

    Written in the transaction of the fact. The row stays when the payload is purged, so that no fact is told twice.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    type = models.CharField(max_length=50)
    fact = models.CharField(max_length=200)
    payload = models.BinaryField()
    test = models.BooleanField(default=False)
    occurred_at = models.DateTimeField()
    # When the worker made its deliveries.
    spread_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["type", "fact"], name="webhook_message_once_per_fact")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["occurred_at"], condition=models.Q(spread_at=None), name="webhook_message_unspread"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class Delivery(models.Model):
    """A message on its way to an endpoint. `account` is the endpoint's.

    While it waits `next_try_at` is set; a worker that takes it moves that on by the lease, so that what a killed worker
    had in hand is due again by itself.
    """

    class Error(models.TextChoices):
        STATUS = "status", _("The answer was not a success")
        TIMEOUT = "timeout", _("No whole answer within 10 seconds")
        CONNECTION = "connection", _("No connection could be made, or it broke")
        TLS = "tls", _("The certificate is not valid for this address")
        NAME = "name", _("The host name could not be resolved")
        REFUSED = "refused", _("The host is not on the public internet, so nothing was sent")
        TOO_LARGE = "too_large", _("The answer was larger than 64 kB")
        SECRET = "secret", _("The secret cannot be read: make a new one")  # a word, no password
        OFF = "off", _("The endpoint was switched off")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        GIVEN_UP = "given_up", _("given up")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.ForeignKey(Message, models.PROTECT, related_name="deliveries")
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="deliveries")
    account = models.ForeignKey(Account, models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    # The last try is then; a try again by hand sets it anew.
    give_up_at = models.DateTimeField()
    last_tried_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    response_status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=20, choices=Error, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        verbose_name_plural = _("deliveries")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "endpoint"], name="webhook_delivery_once")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["endpoint", "next_try_at"],
                condition=models.Q(next_try_at__isnull=False),
                name="webhook_due_of_endpoint",
            ),
            models.Index(
                fields=["next_try_at"], condition=models.Q(next_try_at__isnull=False), name="webhook_due"
            ),
            models.Index(fields=["endpoint", "-created_at"], name="webhook_delivery_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} → {self.endpoint_id}"

    @property
    def state(self) -> "Delivery.State":
        if self.delivered_at is not None:
            return self.State.DELIVERED
        return self.State.GIVEN_UP if self.next_try_at is None else self.State.WAITING
