"""What is sold: meters, plans with their versions and charges, taxes, coupons; and who is on what, when."""

import uuid
from datetime import date, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import CODE, Account

PRICE: dict[str, Any] = {"max_digits": 38, "decimal_places": 12}
"""What is agreed: 26 digits before the point and 12 after it (contract, sections 3 and 6)."""

AMOUNT: dict[str, Any] = {"max_digits": 1000, "decimal_places": 12}
"""What comes of it: a quantity times a price, summed up. PostgreSQL takes no more digits than these."""


class Aggregation(models.TextChoices):
    COUNT = "count", _("count")
    SUM = "sum", _("sum")
    MAX = "max", _("max")
    UNIQUE = "unique", _("unique")
    LATEST = "latest", _("latest")
    TIME_WEIGHTED = "time_weighted", _("time-weighted")


class Interval(models.TextChoices):
    WEEK = "week", _("week")
    MONTH = "month", _("month")
    QUARTER = "quarter", _("quarter")
    YEAR = "year", _("year")


class Meter(models.Model):
    """What is measured: which events, which property, how they become one quantity."""

    code = models.CharField(max_length=100, unique=True, validators=[CODE])
    name = models.JSONField(help_text=_('By language: {"en": "Output tokens", "fr": "Jetons produits"}'))
    unit = models.JSONField(help_text=_('By language: {"en": "token", "fr": "jeton"}'))
    unit_code = models.CharField(max_length=3, default="C62", help_text=_("UN/ECE Recommendation 20"))
    event_type = models.CharField(max_length=200, db_index=True)
    aggregation = models.CharField(max_length=20, choices=Aggregation)
    value = models.CharField(
        max_length=100, blank=True, help_text=_("Property of the event's data; none for count")
    )
    dimensions = models.JSONField(default=list, blank=True)
    # The dimensions that any charge filters on: the day rollup is kept by these (billing/usage).
    priced_dimensions = models.JSONField(default=list, blank=True, editable=False)
    footprint = models.JSONField(null=True, blank=True)
    archived = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.code


class TaxRate(models.Model):
    """A tax: from `valid_from`, to but not including `valid_to`."""

    code = models.CharField(max_length=100, validators=[CODE])
    name = models.CharField(max_length=200)
    rate = models.DecimalField(max_digits=9, decimal_places=6)
    country = models.CharField(max_length=2)
    category = models.CharField(max_length=2, default="S")
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(
        null=True, blank=True, help_text=_("The first day on which it no longer holds")
    )

    class Meta:
        ordering: ClassVar = ["code", "valid_from"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["code", "valid_from"], nulls_distinct=False, name="tax_once_per_day"
            )
        ]

    def __str__(self) -> str:
        return self.code


class Coupon(models.Model):
    code = models.CharField(max_length=100, unique=True, validators=[CODE])
    percent = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    amount = models.DecimalField(null=True, blank=True, **PRICE)
    currency = models.CharField(max_length=3, blank=True)
    periods = models.PositiveIntegerField(null=True, blank=True)
    archived = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.code


class Redemption(models.Model):
    """A coupon that an account redeemed, with its terms as they were then: a later load of the catalogue leaves them.

    Rows are never changed. Which service periods it covers is read from them: `queries.coupons`.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="redemptions")
    coupon = models.ForeignKey(Coupon, models.PROTECT, related_name="redemptions")
    percent = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    amount = models.DecimalField(null=True, **PRICE)
    periods = models.PositiveIntegerField(null=True)
    redeemed_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering: ClassVar = ["redeemed_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "coupon"], name="coupon_redeemed_once")
        ]

    def __str__(self) -> str:
        return self.coupon.code


class Plan(models.Model):
    """What a customer chooses. Its terms live in versions; a published one never changes."""

    code = models.CharField(max_length=100, unique=True, validators=[CODE])
    public = models.BooleanField(default=True, help_text=_("Customers may choose it themselves"))
    archived = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.code


class PlanVersion(models.Model):
    """The terms of a plan. Drafts (no `published_at`) may be edited; a trigger keeps published ones as they are.

    Publishing freezes the whole of it, the meters' names and units too, in `terms`: what pricing reads, and what a
    verification reads years later. The columns and the charges say the same for the admin and for queries.
    """

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    name = models.JSONField()
    currency = models.CharField(max_length=3)
    interval = models.CharField(max_length=10, choices=Interval, default=Interval.MONTH)
    base_price = models.DecimalField(default=0, **PRICE)
    minimum_spend = models.DecimalField(default=0, **PRICE)
    trial_days = models.PositiveIntegerField(default=0)
    tax = models.CharField(max_length=100, blank=True)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    # {"plan": …, "meters": {code: …}} in the catalogue file's words, and its SHA-256; empty in a draft.
    terms = models.JSONField(default=dict, blank=True, editable=False)
    digest = models.CharField(max_length=64, blank=True, editable=False)
    # Counts the edits of a draft, so that of two people who edit it at once the second is told.
    revision = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering: ClassVar = ["plan", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["plan", "number"], name="plan_version_once")]

    def __str__(self) -> str:
        return f"{self.plan.code} v{self.number}"

    @property
    def told(self) -> dict[str, Any]:
        """As the record of who changed what names it."""
        return {"plan": self.plan.code, "version": self.number, "name": self.name}


class Charge(models.Model):
    """One price of a plan version on one meter. `terms` are the keys of the catalogue file, decimals as strings."""

    version = models.ForeignKey(PlanVersion, models.CASCADE, related_name="charges")
    position = models.PositiveIntegerField(default=0)
    code = models.CharField(max_length=100, validators=[CODE])
    meter = models.ForeignKey(Meter, models.PROTECT, related_name="charges")
    model = models.CharField(max_length=30)
    where = models.JSONField(default=dict, blank=True)
    terms = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["version", "position", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["version", "code"], name="charge_code_once")]

    def __str__(self) -> str:
        return self.code


class Subscription(models.Model):
    """An account on a plan. Its phases say which version held when; its periods are stored, never computed anew."""

    class Status(models.TextChoices):
        PENDING = "pending", _("not started")
        TRIALING = "trialing", _("trial")
        ACTIVE = "active", _("active")
        CANCELED = "canceled", _("cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="subscriptions")
    started_at = models.DateTimeField()
    trial_end = models.DateTimeField(null=True, blank=True)
    # Periods are counted from this local day in the account's zone; a change of interval sets it anew.
    anchor_day = models.DateField()
    anchor = models.CharField(max_length=10, default="start", help_text="start | calendar")
    canceled_at = models.DateTimeField(
        null=True, blank=True, help_text=_("The instant at which it ends or ended")
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(canceled_at=None), name="one_running_subscription"
            )
        ]


class Phase(models.Model):
    """Which plan version a subscription was on in [start, end); the last one has no end."""

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="phases")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="phases")
    start = models.DateTimeField()
    end = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["subscription", "start"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subscription", "start"], name="phase_start_once"),
            models.CheckConstraint(
                condition=models.Q(end=None) | models.Q(end__gt=models.F("start")), name="phase_span"
            ),
        ]


class Period(models.Model):
    """A billing period [start, end) in UTC, frozen when it begins. `full_*` is the uncut period that it is part of."""

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="periods")
    account = models.ForeignKey(Account, models.PROTECT, related_name="periods")
    number = models.PositiveIntegerField()
    start = models.DateTimeField()
    end = models.DateTimeField()
    full_start = models.DateTimeField()
    full_end = models.DateTimeField()
    # Local calendar days, first day included, last excluded; of the period and of the uncut one.
    first_day = models.DateField()
    end_day = models.DateField()
    full_first_day = models.DateField()
    full_end_day = models.DateField()
    # The zone that its days were counted in; a change of the account's holds from the next period.
    timezone = models.CharField(max_length=64)
    # What the base price is charged for in advance: the version that the period opened on, up to this day. A
    # cancellation or another interval ends the period earlier and gives the rest back as a line of its own.
    base_version = models.ForeignKey(PlanVersion, models.PROTECT, null=True, related_name="+")
    base_end_day = models.DateField()
    trial = models.BooleanField(default=False, help_text=_("Free, usage included"))
    # Set, once, when the usage of the period has been invoiced (or found to need no invoice).
    closed_at = models.DateTimeField(null=True, blank=True)
    # Set, once, when the base price of the period has been invoiced, in advance.
    base_invoiced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["subscription", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subscription", "number"], name="period_number_once"),
            models.UniqueConstraint(
                fields=["subscription", "start"],
                condition=models.Q(end__gt=models.F("start")),
                name="period_start_once",
            ),
            # Empty: ended on the instant at which it began, by a cancellation or another interval.
            models.CheckConstraint(condition=models.Q(end__gte=models.F("start")), name="period_span"),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "start", "end"], name="period_of_account")]

    @property
    def days(self) -> int:
        """Local calendar days of the period, the first one included."""
        return (self.end_day - self.first_day).days

    @property
    def full_days(self) -> int:
        """Local calendar days of the uncut period: what proration divides by."""
        return (self.full_end_day - self.full_first_day).days

    @property
    def last_day(self) -> date:
        """The last local day inside, as people write it."""
        return self.end_day - timedelta(days=1)


class ScheduledChange(models.Model):
    """What will happen at the running period's end, unless it is taken back: another version, or the end."""

    subscription = models.OneToOneField(Subscription, models.CASCADE, related_name="scheduled_change")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    version = models.ForeignKey(
        PlanVersion, models.PROTECT, null=True, blank=True, help_text=_("None: cancel")
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)


class PendingLine(models.Model):
    """A line that waits for the account's next invoice: prorations of plan changes, staff adjustments."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, models.PROTECT, null=True, related_name="pending_lines")
    kind = models.CharField(max_length=20)
    description = models.JSONField(help_text="By language")
    detail = models.JSONField(default=dict, blank=True)
    start = models.DateTimeField()
    end = models.DateTimeField()
    amount = models.DecimalField(**AMOUNT)
    exact_amount = models.DecimalField(**AMOUNT)
    tax = models.CharField(max_length=100, blank=True)
    version = models.ForeignKey(PlanVersion, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    invoiced_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} of {self.amount.normalize():f}"
