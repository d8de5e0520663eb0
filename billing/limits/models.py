"""Spending limits: every version kept, what was alerted once, and what happened at each stop."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from billing.plans.models import AMOUNT, PRICE, Meter, Period


class LimitVersion(models.Model):
    """A limit from `since` on, for the account or one meter; the latest version holds. Rows are never changed."""

    class Action(models.TextChoices):
        NOTIFY = "notify", _("Tell me")
        STOP = "stop", _("Stop")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="limit_versions")
    meter = models.ForeignKey(Meter, models.PROTECT, null=True, blank=True, related_name="+")
    amount = models.DecimalField(null=True, blank=True, help_text=_("None: no limit"), **PRICE)
    action = models.CharField(max_length=10, choices=Action, default=Action.NOTIFY)
    thresholds = models.JSONField(default=list, help_text=_("Whole percents at which the account is told"))
    since = models.DateTimeField()
    # Usage cost and payable amount of the running period when this version began (contract, section 5).
    period = models.ForeignKey(Period, models.PROTECT, null=True, related_name="+")
    usage_at_start = models.DecimalField(default=0, **AMOUNT)
    payable_at_start = models.DecimalField(default=0, **AMOUNT)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["since"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "meter", "since"], nulls_distinct=False, name="limit_version_in_order"
            ),
            models.CheckConstraint(
                condition=models.Q(amount=None) | models.Q(amount__gte=0), name="limit_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount if self.amount is not None else '–'} ({self.action})"


class Alert(models.Model):
    """A threshold that was reached: one row for each period, limit version and threshold, made before any mail."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="alerts")
    limit = models.ForeignKey(LimitVersion, models.PROTECT, related_name="alerts")
    period = models.ForeignKey(Period, models.PROTECT, related_name="+")
    threshold = models.PositiveIntegerField()
    spent = models.DecimalField(**AMOUNT)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)
    recipients = models.JSONField(default=list, editable=False)
    # Why the last try to send failed; empty once it was sent.
    error = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-created_at", "-threshold"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["limit", "period", "threshold"], name="alert_once_per_threshold")
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "period"], name="alert_of_period"),
            models.Index(fields=["created_at"], condition=models.Q(sent_at=None), name="alert_unsent"),
        ]

    def __str__(self) -> str:
        return f"{self.threshold} %"


class Reservation(models.Model):
    """Usage set aside before it happens: counted as spent until it is committed, given back or expired."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    meter = models.ForeignKey(Meter, models.PROTECT, related_name="+")
    quantity = models.DecimalField(**PRICE)
    dimensions = models.JSONField(default=dict)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
