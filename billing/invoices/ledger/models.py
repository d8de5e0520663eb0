"""Transactions and entries. Rows are only ever inserted: triggers refuse the rest (sql/ledger.sql)."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import Account
from billing.plans.models import AMOUNT


class Book(models.TextChoices):
    """The accounts of the ledger. Debit is above zero, so what is owed to the customer or to the state is below."""

    RECEIVABLE = "receivable"
    CREDIT = "credit"
    REVENUE = "revenue"
    TAX = "tax"
    PREPAID_TAX = "prepaid_tax"
    BANK = "bank"


class LedgerTransaction(models.Model):
    """What happened once, and what it is known by: a document, a payment, or (a refund) itself."""

    class Kind(models.TextChoices):
        INVOICE = "invoice"
        CREDIT_NOTE = "credit_note"
        PREPAYMENT = "prepayment"
        PAYMENT = "payment"
        REFUND = "refund"

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind)
    document = models.OneToOneField("invoices.Invoice", models.PROTECT, null=True, related_name="posted")
    payment = models.OneToOneField("invoices.Payment", models.PROTECT, null=True, related_name="posted")
    reference = models.CharField(max_length=300, blank=True)
    posted_by = models.CharField(max_length=254, blank=True)
    at = models.DateTimeField(db_default=Now())
    # The transaction of the database that wrote it: no entry joins it in another one.
    issued_in = models.BigIntegerField(default=0, editable=False)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class LedgerEntry(models.Model):
    """One side of a transaction. `invoice`: whose receivable; `credit`: the transaction that gave the credit."""

    id = models.BigAutoField(primary_key=True)
    transaction = models.ForeignKey(LedgerTransaction, models.PROTECT, related_name="entries")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    book = models.CharField(max_length=12, choices=Book)
    amount = models.DecimalField(**AMOUNT)
    invoice = models.ForeignKey("invoices.Invoice", models.PROTECT, null=True, related_name="+")
    credit = models.ForeignKey(LedgerTransaction, models.PROTECT, null=True, related_name="uses")

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(
                fields=["account", "credit"],
                include=["amount"],
                condition=models.Q(book="credit"),
                name="credit_of_account",
            )
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(amount=0), name="entry_not_zero"),
            models.CheckConstraint(
                condition=models.Q(book="credit", credit__isnull=False)
                | ~models.Q(book="credit") & models.Q(credit=None),
                name="credit_names_its_source",
            ),
            models.CheckConstraint(
                condition=models.Q(book="receivable", invoice__isnull=False)
                | ~models.Q(book="receivable") & models.Q(invoice=None),
                name="receivable_names_its_invoice",
            ),
        ]
