"""What happened: events and their day totals, and the events that could not be placed yet.

Events are written by the intake only (billing/usage/intake), day totals in the same transaction. `Event` is
partitioned by a hash of the account; its identity is its primary key, so no event is ever counted twice.
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, ApiKey
from billing.plans.models import Meter

QUANTITY: dict[str, Any] = {"max_digits": 1000, "decimal_places": 12}


class Event(models.Model):
    """One usage record, at its highest revision. A voided one stays, so that its identity is known for ever."""

    pk = models.CompositePrimaryKey("account_id", "source", "event_id")
    # No foreign key in the database: its check would lock the account's row once for each event.
    account = models.ForeignKey(
        Account, models.PROTECT, related_name="events", db_constraint=False, db_index=False
    )
    source = models.CharField(max_length=256)
    event_id = models.CharField(max_length=256)
    type = models.CharField(max_length=200)
    time = models.DateTimeField()
    timed = models.BooleanField(help_text="Whether the sender gave the time; else it is the arrival")
    # The database's clock; events of one batch are a microsecond apart, in the batch's order.
    received_at = models.DateTimeField()
    revision = models.PositiveIntegerField(default=0)
    voided = models.BooleanField(default=False)
    data = models.JSONField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "type", "time"], name="event_by_time")]


class PurgedEvent(models.Model):
    """The identity of an event whose raw data is no longer kept: known for ever, so that it never counts again.

    Hashes only (billing/usage/intake/purged.py); `day` is the UTC day of its time. Rows are only ever added.
    """

    pk = models.CompositePrimaryKey("account_id", "identity")
    account = models.ForeignKey(
        Account, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    identity = models.UUIDField()
    content = models.UUIDField()
    revision = models.PositiveIntegerField()
    day = models.DateField()


class PurgedSpan(models.Model):
    """A stretch [start, end) of an account's time whose raw events are no longer kept; it never overlaps another."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    start = models.DateTimeField()
    end = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["account", "start"]


class EventRow(models.Model):
    """An event with one key instead of three, for the admin: a view, read-only."""

    key = models.TextField(primary_key=True)
    account = models.ForeignKey(Account, models.DO_NOTHING, related_name="+", db_constraint=False)
    source = models.CharField(max_length=256)
    event_id = models.CharField(max_length=256)
    type = models.CharField(max_length=200)
    time = models.DateTimeField()
    timed = models.BooleanField()
    received_at = models.DateTimeField()
    revision = models.PositiveIntegerField()
    voided = models.BooleanField()
    data = models.JSONField()

    class Meta:
        managed = False
        db_table = "usage_eventrow"
        default_permissions = ("view",)
        verbose_name = _("event")

    def __str__(self) -> str:
        return f"{self.source} {self.event_id}"


class RollupShape(models.Model):
    """How the day totals of a meter are made: a copy of the meter's own words, and the dimensions kept.

    Intake reads this, never the meter, so that what it adds is what a rebuild would add. `ready` names the
    dimensions that every stored total has; null: totals of old events are not all there, or are kept by different
    dimensions and no sums, read the events.
    """

    meter = models.OneToOneField(Meter, models.CASCADE, primary_key=True, related_name="rollup_shape")
    event_type = models.CharField(max_length=200, db_index=True)
    aggregation = models.CharField(max_length=20)
    value = models.CharField(max_length=100, blank=True)
    dimensions = models.JSONField(default=list)
    ready = models.JSONField(null=True)


class RollupZone(models.Model):
    """The time zone whose days an account's totals are kept by; a rebuild moves it to the account's own."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="+")
    timezone = models.CharField(max_length=64)


class DayTotal(models.Model):
    """Usage of one meter on one local day by one set of values of its shape's dimensions."""

    pk = models.CompositePrimaryKey("account_id", "meter_id", "day", "key")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    meter = models.ForeignKey(Meter, models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    key = models.UUIDField(help_text="A hash of the dimensions, whose values may be too long for an index")
    dimensions = models.JSONField(default=dict)
    events = models.BigIntegerField()
    total = models.DecimalField(**QUANTITY)
    maximum = models.DecimalField(null=True, **QUANTITY)
    arrived_at = models.DateTimeField(help_text="When the latest of these events was stored")


class SentByKey(models.Model):
    """How many events one of an account's own keys sent on one local day of their arrival: those that were accepted.

    Written with the events, so that it counts each once. Keys of the installation are not counted: all senders of a
    busy day would meet at one row.
    """

    pk = models.CompositePrimaryKey("api_key_id", "day")
    api_key = models.ForeignKey(ApiKey, models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    account = models.ForeignKey(Account, models.CASCADE, related_name="+", db_index=False)
    events = models.BigIntegerField()


class DayHours(models.Model):
    """How an account's cost of one local day lay on its hours, for forecasts (hours.py): four weeks are kept.

    `hours`: millionths of the day's cost by the clock's 24 hours; empty where there is nothing to tell.
    """

    pk = models.CompositePrimaryKey("account_id", "day")
    account = models.ForeignKey(Account, models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    timezone = models.CharField(max_length=64)
    hours = models.JSONField(default=list)
    counted_at = models.DateTimeField()


class DayLevel(models.Model):
    """How one meter's level went on one local day, by the dimension values of its day totals: it is at its last value.

    Kept for `latest` and `time_weighted`. `moved` is Σ step × the step's microsecond since 1970, the day's first step
    being from zero; so a day is one step from the level before it, and levels over time need no event
    (reading/levels.py). `last_*`: the place of the last event in the order of time, arrival, identity.
    """

    pk = models.CompositePrimaryKey("account_id", "meter_id", "day", "key")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    meter = models.ForeignKey(Meter, models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    key = models.UUIDField()
    dimensions = models.JSONField(default=dict)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    last_received_at = models.DateTimeField()
    last_source = models.CharField(max_length=256, db_collation="C")
    last_event_id = models.CharField(max_length=256, db_collation="C")
    level = models.DecimalField(**QUANTITY)
    moved = models.DecimalField(**QUANTITY)

    class Meta:
        # The last day of each key before a day, skipping from key to key.
        indexes: ClassVar = [models.Index(fields=["account", "meter", "key", "day"], name="level_by_key")]


class QuarantinedEvent(models.Model):
    """An event that is kept but not counted: its account, type or service period is not known yet."""

    class Reason(models.TextChoices):
        UNKNOWN_ACCOUNT = "unknown_account", _("unknown account")
        UNKNOWN_TYPE = "unknown_type", _("no meter listens to its type")
        NO_PERIOD = "no_period", _("in no service period")
        TOO_LATE = "too_late", _("too late for an invoiced period")
        PAST_TERM = "past_term", _("corrects an event that is no longer kept")

    digest = models.BinaryField(max_length=32, unique=True, help_text="Of the event, so a retry is kept once")
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="+")
    subject = models.CharField(max_length=100, db_index=True)
    source = models.CharField(max_length=256)
    event_id = models.CharField(max_length=256)
    type = models.CharField(max_length=200, db_index=True)
    body = models.JSONField()
    reason = models.CharField(max_length=20, choices=Reason)
    received_at = models.DateTimeField(db_default=Now())
    replayed_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(replayed_at=None), name="quarantine_open")
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.source} {self.event_id}"
