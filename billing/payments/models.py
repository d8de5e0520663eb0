"""What customers are told about paying: a mail for each document, and reminders of what is overdue."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import Account, User
from billing.invoices.models import Invoice


class Notice(models.Model):
    """A mail about a document, once for its kind and number; sent at least once, under one Message-ID."""

    class Kind(models.TextChoices):
        ISSUED = "issued", "issued"
        REMINDER = "reminder", "reminder"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=10, choices=Kind)
    # Of a reminder: the first, the second, …; 0 otherwise.
    number = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(editable=False)
    recipients = models.JSONField(default=list, help_text="Addresses whose mail was taken")
    sent_at = models.DateTimeField(null=True, editable=False)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["invoice", "kind", "number"], name="notice_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["created_at"], condition=models.Q(sent_at=None), name="notice_unsent"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number or ''} {self.invoice_id}"


class Hold(models.Model):
    """A question about an invoice is open: until it is answered nobody is reminded to pay it."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+", editable=False)
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="holds")
    question = models.TextField(help_text="What the customer asked; staff alone read it")
    since = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-since"]
        verbose_name = "open question about an invoice"
        verbose_name_plural = "open questions about invoices"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["invoice"], condition=models.Q(answered_at=None), name="one_open_question_per_invoice"
            ),
        ]

    def __str__(self) -> str:
        return str(self.invoice)
