"""What is owed. An issued document never changes: triggers refuse it, whoever asks (sql/immutable.sql)."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from billing.plans.models import AMOUNT, Period, PlanVersion
from billing.pricing.money import plain


class Series(models.Model):
    """The counter of a number series; its row is locked by the transaction that issues, so no number is left out."""

    code = models.CharField(max_length=40, primary_key=True)
    last = models.PositiveBigIntegerField(default=0)


class Invoice(models.Model):
    """An issued invoice or credit note. `snapshot` holds all that the paper says: nothing is joined to today's data."""

    class Kind(models.TextChoices):
        INVOICE = "invoice", _("invoice")
        CREDIT_NOTE = "credit_note", _("credit note")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="invoices")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.INVOICE)
    series = models.CharField(max_length=40)
    sequence = models.PositiveBigIntegerField()
    number = models.CharField(max_length=60, unique=True)
    currency = models.CharField(max_length=3)
    issued_at = models.DateTimeField()
    due_at = models.DateTimeField()
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    subtotal = models.DecimalField(**AMOUNT)
    tax_total = models.DecimalField(**AMOUNT)
    total = models.DecimalField(**AMOUNT)
    credits_applied = models.DecimalField(default=0, **AMOUNT)
    amount_due = models.DecimalField(**AMOUNT)
    snapshot = models.JSONField(
        help_text="Discounts, taxes, seller, buyer, locale, time zone and texts as issued"
    )
    # The service period whose usage it invoices: one document per period, whoever runs the billing and however often.
    closes = models.OneToOneField(Period, models.PROTECT, null=True, related_name="invoice")
    # Every event that was stored by then is priced in it; later ones are late usage of the next invoice.
    priced_at = models.DateTimeField(db_default=Now())
    # Of a credit note by hand: the invoice that it takes back, and how much of that was still open and is so settled.
    credited = models.ForeignKey("self", models.PROTECT, null=True, related_name="credit_notes")
    settles = models.DecimalField(default=0, **AMOUNT)
    # The transaction that issued it, set by a trigger: no line joins it in another one.
    issued_in = models.BigIntegerField(default=0, editable=False)

    class Meta:
        ordering: ClassVar = ["-issued_at", "-sequence"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["series", "sequence"], name="number_once_per_series"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-issued_at"], name="invoice_of_account"),
            models.Index(fields=["issued_at"], name="invoice_newest"),
            models.Index(fields=["due_at"], condition=models.Q(amount_due__gt=0), name="invoice_to_pay"),
        ]

    def __str__(self) -> str:
        return self.number


class ParkedAccount(models.Model):
    """An account that could not be billed, with the reason; the row goes once it could be (run.py)."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="parked")
    since = models.DateTimeField()
    error = models.TextField()
    tries = models.PositiveIntegerField(default=1)
    last_tried_at = models.DateTimeField()
    # The schedule leaves it alone until then; staff and `manage.py bill` do not wait.
    next_try_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["since"]
        verbose_name = "account that could not be billed"
        verbose_name_plural = "accounts that could not be billed"

    def __str__(self) -> str:
        return str(self.account)


class BillingSummary(models.Model):
    """A mail to staff about the documents issued up to `upto`, after those of the summary before (summary.py)."""

    upto = models.DateTimeField(primary_key=True)

    class Meta:
        ordering: ClassVar = ["upto"]


class InvoiceLine(models.Model):
    """A line of an issued document, with the working that led to its amount."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    charge = models.CharField(max_length=100, blank=True)
    meter = models.CharField(max_length=100, blank=True)
    description = models.CharField(max_length=300)
    start = models.DateTimeField()
    end = models.DateTimeField()
    quantity = models.DecimalField(null=True, **AMOUNT)
    unit = models.CharField(max_length=100, blank=True)
    amount = models.DecimalField(**AMOUNT)
    exact_amount = models.DecimalField(**AMOUNT)
    tiers = models.JSONField(default=list)
    tax_code = models.CharField(max_length=100, blank=True)
    tax_rate = models.DecimalField(max_digits=9, decimal_places=6, default=0)
    tax_category = models.CharField(max_length=2, default="O")
    period = models.ForeignKey(Period, models.PROTECT, null=True, related_name="+")
    version = models.ForeignKey(PlanVersion, models.PROTECT, null=True, related_name="+")
    # Of a credit note by hand: the line that it gives back, or a part of it.
    credited = models.ForeignKey("self", models.PROTECT, null=True, related_name="credits")
    # What the paper and the electronic invoice need besides: days, prices, unit code, the plan's name (drafts.py).
    detail = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["invoice", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["invoice", "position"], name="line_position_once"),
            # One usage line per charge, version and period, whoever runs the billing and however often.
            models.UniqueConstraint(
                fields=["period", "version", "charge", "start"],
                condition=models.Q(kind="usage"),
                name="usage_invoiced_once",
            ),
            models.UniqueConstraint(
                fields=["period"], condition=models.Q(kind="base"), name="base_invoiced_once"
            ),
        ]


class InvoiceDocument(models.Model):
    """The PDF, rendered once; its hash is checked by `verify`."""

    invoice = models.OneToOneField(Invoice, models.PROTECT, primary_key=True, related_name="document")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    pdf = models.BinaryField()
    sha256 = models.BinaryField(max_length=32)


class Payment(models.Model):
    """Money received for an invoice; its status is derived from these rows.

    One below zero takes another one back: a transfer that was returned, or that was recorded wrongly.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="payments")
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="payments")
    amount = models.DecimalField(**AMOUNT)
    received_at = models.DateTimeField()
    method = models.CharField(max_length=30, default="manual")
    reference = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    reverses = models.OneToOneField(
        "self", models.PROTECT, null=True, editable=False, related_name="reversal"
    )

    class Meta:
        ordering: ClassVar = ["received_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(amount__gt=0, reverses=None)
                | models.Q(amount__lt=0, reverses__isnull=False),
                name="payment_or_reversal",
            )
        ]

    def __str__(self) -> str:
        return f"{plain(self.amount)} ({self.method})"


# The ledger's tables are of this app too.
from billing.invoices.ledger.models import Book, LedgerEntry, LedgerTransaction  # noqa: E402

__all__ = [
    "Book",
    "Invoice",
    "InvoiceDocument",
    "InvoiceLine",
    "LedgerEntry",
    "LedgerTransaction",
    "Payment",
    "Series",
]
