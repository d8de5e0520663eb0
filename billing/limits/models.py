"""Spending limits: every version kept, what was alerted once, and what happened at each stop."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from billing.plans.models import AMOUNT, PRICE, Meter, Period, PlanVersion


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
    pace = models.BooleanField(default=True, help_text=_("Also told when the pace leads to the limit"))
    since = models.DateTimeField()
    # Usage cost and payable amount of the running period when this version began (contract, section 5).
    period = models.ForeignKey(Period, models.PROTECT, null=True, related_name="+")
    usage_at_start = models.DecimalField(default=0, **AMOUNT)
    payable_at_start = models.DecimalField(default=0, **AMOUNT)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    # A decision of the seller's staff always has one, and nobody else's has.
    note = models.CharField(
        max_length=300, blank=True, help_text=_("Why staff decided so. The customer reads it")
    )

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
    """A threshold that was reached: one row for each period, limit version and threshold, made before any mail.

    `threshold` 0 is the pace: the day on which the limit is `expected_on`, told once as well.
    """

    PACE = 0

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="alerts")
    limit = models.ForeignKey(LimitVersion, models.PROTECT, related_name="alerts")
    period = models.ForeignKey(Period, models.PROTECT, related_name="+")
    threshold = models.PositiveIntegerField()
    expected_on = models.DateField(null=True)
    spent = models.DecimalField(**AMOUNT)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # When everybody had it; `recipients` are those whose mail was taken so far.
    sent_at = models.DateTimeField(null=True, editable=False)
    recipients = models.JSONField(default=list, editable=False)
    # Why the last try to send failed, for whom; empty once it was sent.
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
        return f"{self.threshold} %" if self.threshold else "pace"


class Drill(models.Model):
    """A try of the alerts, asked for by a member: the mail of a limit that is reached, marked as a test. No alert."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="drills")
    limit = models.ForeignKey(LimitVersion, models.PROTECT, related_name="+")
    period = models.ForeignKey(Period, models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)
    recipients = models.JSONField(default=list, editable=False)
    error = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [
            models.Index(fields=["account", "-created_at"], name="drill_of_account"),
            models.Index(fields=["created_at"], condition=models.Q(sent_at=None), name="drill_unsent"),
        ]

    def __str__(self) -> str:
        return f"{self.created_at}"


class Stop(models.Model):
    """One firing of a limit that stops, in a period: what its receipt is about. Made when it is noticed.

    It fired because usage reached the limit (`reached`), or because requests that would have passed it were refused.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="stops")
    limit = models.ForeignKey(LimitVersion, models.PROTECT, related_name="stops")
    period = models.ForeignKey(Period, models.PROTECT, related_name="+")
    reached = models.BooleanField()
    # The arrival of the event that crossed the limit, or the instant of the change below what was spent already;
    # set once, soon after the rest (actions/stops.py). Null as well while nothing has crossed.
    crossed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering: ClassVar = ["-created_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["limit", "period"], name="stop_once_per_version")
        ]
        indexes: ClassVar = [models.Index(fields=["account", "-created_at"], name="stop_of_account")]

    def __str__(self) -> str:
        return f"{self.limit}, {self.created_at}"


class Refusal(models.Model):
    """How often a limit's version refused in a period. `slot` spreads callers over rows, so that none waits."""

    pk = models.CompositePrimaryKey("limit_id", "period_id", "slot")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    limit = models.ForeignKey(LimitVersion, models.PROTECT, related_name="+", db_index=False)
    period = models.ForeignKey(Period, models.PROTECT, related_name="+", db_index=False)
    slot = models.PositiveSmallIntegerField()
    requests = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()


class Reservation(models.Model):
    """Usage set aside before it happens: counted as spent until it is committed, given back or expired.

    It belongs to the billing period that ran when it was made, and is priced as usage of that period.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    meter = models.ForeignKey(Meter, models.PROTECT, related_name="+", db_index=False)
    quantity = models.DecimalField(**PRICE)
    dimensions = models.JSONField(default=dict)
    period = models.ForeignKey(Period, models.PROTECT, related_name="+", db_index=False)
    # What it was granted by: the plan version (none in a trial) and the limits in force. If they have changed by the
    # commit, it is priced anew then.
    version = models.ForeignKey(PlanVersion, models.PROTECT, null=True, related_name="+", db_index=False)
    limits = models.JSONField(default=list)
    # What is set aside on which charge of that version: {code: decimal string}.
    charges = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    # Committed if it has an event, else given back.
    ended_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=256, blank=True)
    event_id = models.CharField(max_length=256, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["account", "period"], condition=models.Q(ended_at=None), name="reservation_open"
            ),
            models.Index(fields=["expires_at"], name="reservation_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.meter}"
