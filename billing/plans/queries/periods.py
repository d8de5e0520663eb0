"""Billing periods: stored when they begin, never computed anew; and the stretches of versions inside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from accounts.reading import no_reading, once
from billing.plans.models import Period, Phase, PlanVersion, ScheduledChange, Subscription
from billing.plans.opening import anchor_day_of, next_period
from billing.plans.queries.subscriptions import phases, running_subscription, scheduled_change, version_at
from billing.plans.queries.telling import Change, tell_change
from billing.pricing.dates import local_date
from billing.pricing.proration import ProratedLine, base_line, share


@dataclass(frozen=True, slots=True)
class NextPeriod:
    """The period that will follow: its instants, its local days, and the version it opens on."""

    start: datetime
    end: datetime
    first_day: date
    end_day: date
    version: PlanVersion


def current_period(subscription: Subscription, at: datetime) -> Period | None:
    """The period with start <= at < end; None before the subscription's start and after its end.

    Stores the periods that have begun by `at`, each once, whoever asks at the same time, and carries out what was
    scheduled for the end of one. `subscription` then holds what was changed. Call it only with instants that may
    count as come: a period that has begun is not taken back.
    """
    found = _period(subscription, at)
    if found is not None or at < subscription.started_at:
        return found
    with transaction.atomic(), no_reading():
        locked = lock_subscription(subscription)
        _roll(locked, at)
    subscription.canceled_at, subscription.anchor_day = locked.canceled_at, locked.anchor_day
    return _period(subscription, at)


def begin_periods(subscriptions: Sequence[Subscription], at: datetime) -> None:
    """Store what `current_period` stores, of several running subscriptions that have begun; inside a transaction.

    Those for which nothing is scheduled are taken together; a trial's end and a change are carried out one by one.
    """
    if not subscriptions:
        return
    locked = _lock_subscriptions(subscriptions)
    ids = [subscription.pk for subscription in locked]
    newest = Period.objects.filter(subscription__in=ids).order_by("subscription", "-number")
    last = {period.subscription_id: period for period in newest.distinct("subscription")}
    changing = set(
        ScheduledChange.objects.filter(subscription__in=ids).values_list("subscription", flat=True)
    )
    phases_of, opened = phases.read(ids), list[Period]()
    for subscription in locked:
        period = last.get(subscription.pk)
        if period is None or period.trial or subscription.pk in changing or subscription.canceled_at:
            current_period(subscription, at)
            continue
        while period.end <= at:
            version = _version_in(phases_of[subscription.pk], period.end)
            period = next_period(subscription, period, version)
            opened.append(period)
    Period.objects.bulk_create(opened)


def _version_in(in_order: Sequence[Phase], at: datetime) -> PlanVersion:
    """As `version_at`."""
    return next((phase for phase in reversed(in_order) if phase.start <= at), in_order[0]).version


@once
def period_at(account: Account, instant: datetime) -> Period | None:
    """The account's period that holds `instant`, be its subscription ended or running; None if there is none.

    Stores periods that have begun by now, but none that begins after now.
    """
    stored = Period.objects.filter(account=account, start__lte=instant, end__gt=instant)
    found = stored.select_related("subscription__account", "base_version__plan").first()
    if found is not None or instant > timezone.now():
        return found
    running = running_subscription(account)
    return current_period(running, instant) if running else None


def next_period_dates(subscription: Subscription) -> NextPeriod | None:
    """The period after the last stored one; None if the subscription ends before. Stores nothing.

    Its start is when the next regular invoice is issued.
    """
    period = coming_period(subscription)
    if period is None:
        return None
    version = period.base_version or version_at(subscription, period.start)
    return NextPeriod(period.start, period.end, period.first_day, period.end_day, version)


def coming_period(subscription: Subscription) -> Period | None:
    """The period after the last stored one, not stored; None if the subscription ends before."""
    return coming_after(subscription, subscription.periods.last())


def coming_after(subscription: Subscription, last: Period | None) -> Period | None:
    """As `coming_period`; `last` is the last stored one."""
    change = scheduled_change(subscription)
    if subscription.canceled_at is not None or (last and change and change.version is None):
        return None
    anchor_day = None
    version = version_at(subscription, last.end if last else subscription.started_at)
    if last and change and change.version is not None:
        anchor_day = last.end_day if change.version.interval != version.interval else None
        version = change.version
    return next_period(subscription, last, version, anchor_day)


def spans_in(period: Period) -> list[tuple[PlanVersion, datetime, datetime]]:
    """(version, start, end) of each stretch of the period, in time order; they tile it.

    A trial has none: it is free, usage included, so there is nothing to price.
    """
    if period.trial:
        return []
    spans = [
        (phase.version, max(phase.start, period.start), min(phase.end or period.end, period.end))
        for phase in phases(period.subscription_id)
    ]
    return [span for span in spans if span[1] < span[2]]


def span_share(period: Period, start: datetime, end: datetime) -> Fraction:
    """The local days of [start, end), a stretch of `period`, over the days of the full period.

    The day on which one plan follows another belongs to the new one (contract, section 4).
    """
    first, last = span_days(period, start, end)
    return share((last - first).days, period.full_days)


def span_days(period: Period, start: datetime, end: datetime) -> tuple[date, date]:
    """The local days [first, last) of [start, end), a stretch of `period`."""
    first = period.first_day if start <= period.start else day_in(period, start)
    return first, period.end_day if end >= period.end else day_in(period, end)


def day_in(period: Period, instant: datetime) -> date:
    """The period's local day for an instant of it, in the zone that the period was opened in."""
    return min(max(local_date(instant, period.timezone), period.first_day), period.last_day)


def base_charge(period: Period) -> ProratedLine | None:
    """The base price that is charged in advance for `period`, as it was when it began; None in a trial.

    Changes of plan, interval and cancellations never change it: they are lines of their own.
    """
    version = period.base_version
    if version is None:
        return None
    return base_line(version.base_price, _Charged(period), version.currency)


@dataclass(frozen=True, slots=True)
class _Charged:
    """The days of a period that its base price was charged for."""

    period: Period

    @property
    def first_day(self) -> date:
        return self.period.first_day

    @property
    def end_day(self) -> date:
        return self.period.base_end_day

    @property
    def full_days(self) -> int:
        return self.period.full_days


def lock_subscription(subscription: Subscription) -> Subscription:
    """The row as it is now, locked until the transaction ends: every change of a subscription takes this first.

    The account's row comes before it, as in billing: account → subscription → periods, so that none waits in a ring.
    """
    return _lock_subscriptions([subscription])[0]


def _lock_subscriptions(subscriptions: Sequence[Subscription]) -> list[Subscription]:
    accounts = Account.objects.select_for_update(no_key=True).order_by("pk")
    list(accounts.filter(pk__in=[each.account_id for each in subscriptions]).values_list("pk"))
    rows = Subscription.objects.select_for_update(of=("self",)).select_related("account").order_by("pk")
    return list(rows.filter(pk__in=[each.pk for each in subscriptions]))


def _period(subscription: Subscription, at: datetime) -> Period | None:
    rows = Period.objects.filter(subscription=subscription, start__lte=at, end__gt=at)
    return rows.select_related("subscription__account", "base_version__plan").first()


def _roll(subscription: Subscription, at: datetime) -> None:
    """Store the periods that begin by `at`. The subscription is locked."""
    last = subscription.periods.last()
    while subscription.canceled_at is None and (last is None or last.end <= at):
        change = _carry_out(subscription, last) if last is not None else None
        if subscription.canceled_at is not None:
            tell_change(subscription, Change.CANCELED, subscription.canceled_at)
            return
        start = subscription.started_at if last is None else last.end
        following = next_period(subscription, last, version_at(subscription, start))
        if last is not None and last.trial and following.base_version is not None:
            subscription.anchor_day = anchor_day_of(following, subscription, following.base_version.interval)
            subscription.save(update_fields=["anchor_day"])
        following.save()
        if change is not None:
            tell_change(subscription, Change.PLAN_CHANGED, change.at)
        last = following


def _carry_out(subscription: Subscription, ended: Period) -> ScheduledChange | None:
    """Do what was scheduled for the end of the period that has ended, and give it."""
    change = scheduled_change(subscription)
    if change is None:
        return None
    at = ended.end
    before = version_at(subscription, ended.start)
    Phase.objects.filter(subscription=subscription, end=None).update(end=at)
    if change.version is None:
        subscription.canceled_at = at
    else:
        Phase.objects.create(
            subscription=subscription, account_id=subscription.account_id, version=change.version, start=at
        )
        if change.version.interval != before.interval:
            subscription.anchor_day = ended.end_day
    subscription.save(update_fields=["canceled_at", "anchor_day"])
    ScheduledChange.objects.filter(pk=change.pk).delete()
    return change
