"""What customers are told about paying, questions that hold reminders back, and payments by card."""

import uuid
from typing import ClassVar, Final

from django.db import models
from django.db.models.functions import Now

from accounts.models import Account, User
from billing.invoices.models import Invoice
from billing.plans.models import AMOUNT

BRANDS: Final = {"amex": "American Express", "diners": "Diners Club", "jcb": "JCB", "unionpay": "UnionPay"}
"""Of cards, where the provider's word is not the name."""

AUTHENTICATION: Final = "authentication_required"
"""The code of a try that failed because nobody was there to confirm it."""


class Notice(models.Model):
    """A mail about a document, once for its kind and number; sent at least once, under one Message-ID."""

    class Kind(models.TextChoices):
        ISSUED = "issued", "issued"
        REMINDER = "reminder", "reminder"
        DECLINED = "declined", "declined"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=10, choices=Kind)
    # Of a reminder or a declined card: the first, the second, …; 0 otherwise.
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


class Payer(models.Model):
    """An account as the provider of cards knows it. Invoices issued since `automatic_since` are charged by
    themselves."""

    account = models.OneToOneField(Account, models.PROTECT, related_name="payer")
    provider = models.CharField(max_length=20)
    reference = models.CharField(max_length=100, unique=True)
    automatic_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "customer at the card provider"
        verbose_name_plural = "customers at the card provider"

    def __str__(self) -> str:
        return self.reference


class Card(models.Model):
    """What customers see of a card; its number is the provider's alone. One that is removed stays for its payments."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="cards")
    reference = models.CharField(max_length=100, unique=True)
    brand = models.CharField(max_length=30)
    last4 = models.CharField(max_length=4)
    exp_month = models.PositiveSmallIntegerField()
    exp_year = models.PositiveSmallIntegerField()
    is_default = models.BooleanField(default=False)
    added_at = models.DateTimeField(db_default=Now(), editable=False)
    removed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-is_default", "-added_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(is_default=True, removed_at=None),
                name="one_default_card",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.brand_name} •••• {self.last4}"

    @property
    def brand_name(self) -> str:
        return BRANDS.get(self.brand, self.brand.replace("_", " ").title())


class Attempt(models.Model):
    """One try to take what is open on an invoice from a card; its key at the provider is `id`.

    The row is there before the provider is asked, so whatever is killed, the try is found again and never doubled.
    `excess` came in though it was not open any more (somebody else paid meanwhile): it is given back.
    """

    class State(models.TextChoices):
        BEGUN = "begun", "begun"
        WAITING = "waiting", "waits for the customer"
        PROCESSING = "processing", "under way"
        SUCCEEDED = "succeeded", "paid"
        FAILED = "failed", "declined"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="attempts")
    card = models.ForeignKey(Card, models.PROTECT, related_name="attempts")
    amount = models.DecimalField(**AMOUNT)
    automatic = models.BooleanField(default=False)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.BEGUN)
    reference = models.CharField(max_length=100, blank=True)
    code = models.CharField(max_length=100, blank=True)
    words = models.CharField(max_length=500, blank=True)
    again = models.BooleanField(default=False, help_text="Whether another try with this card may succeed")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    settled_at = models.DateTimeField(null=True, editable=False)
    excess = models.DecimalField(**AMOUNT, default=0)
    excess_returned_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        verbose_name = "payment by card"
        verbose_name_plural = "payments by card"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["invoice"], condition=models.Q(settled_at=None), name="one_open_attempt"
            ),
            models.UniqueConstraint(
                fields=["reference"], condition=~models.Q(reference=""), name="attempt_reference"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["created_at"], condition=models.Q(settled_at=None), name="attempt_open"),
            models.Index(
                fields=["settled_at"],
                condition=models.Q(excess__gt=0, excess_returned_at=None),
                name="attempt_excess",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice_id} {self.state}"

    @property
    def is_open(self) -> bool:
        return self.settled_at is None

    @property
    def needs_customer(self) -> bool:
        """Whether his bank wants him to confirm it himself."""
        return self.state == self.State.WAITING or self.code == AUTHENTICATION
