"""Who is on what, when."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import Account
from accounts.reading import grouped, many, reads
from billing.plans.models import Period, Phase, PlanVersion, ScheduledChange, Subscription
from billing.pricing.dates import utc


def running_subscription(account: Account) -> Subscription | None:
    """The account's subscription that has not ended; None if there is none.

    One that is to end at its period's end runs until `current_period` finds that the period is over.
    """
    return account.subscriptions.filter(canceled_at=None).select_related("account").first()


def ended_subscription(account: Account) -> Subscription | None:
    """The account's subscription that ended last, or was cancelled before it began; None if there is none."""
    ended = account.subscriptions.exclude(canceled_at=None).select_related("account")
    return ended.order_by("-canceled_at", "-created_at").first()


def status(subscription: Subscription, at: datetime) -> Subscription.Status:
    """pending, trialing, active or canceled, at the instant `at`; one that was cancelled before its start never
    begins.
    """
    ended = subscription.canceled_at
    if ended is not None and ended <= max(at, subscription.started_at):
        return Subscription.Status.CANCELED
    if at < subscription.started_at:
        return Subscription.Status.PENDING
    if subscription.trial_end is not None and at < subscription.trial_end:
        return Subscription.Status.TRIALING
    return Subscription.Status.ACTIVE


def version_at(subscription: Subscription, at: datetime) -> PlanVersion:
    """The plan version that holds at `at`; before the start the first one, after the end the last one. In a reading by
    the statement that reads all phases.
    """
    if reads():
        in_order = phases(subscription.pk)
        found = next((phase for phase in reversed(in_order) if phase.start <= at), None)
        phase = found or next(iter(in_order), None)
    else:
        rows = subscription.phases.select_related("version__plan")
        phase = rows.filter(start__lte=at).last() or rows.first()
    if phase is None:
        raise ValueError(f"subscription {subscription.pk} has no phase")
    return phase.version


@many
def phases(subscription_ids: Sequence[UUID]) -> dict[UUID, list[Phase]]:
    """Of a subscription, in time order. `plan_terms` knows most versions' terms, so they are not read along."""
    rows = Phase.objects.filter(subscription__in=subscription_ids).select_related("version__plan")
    return grouped(subscription_ids, rows.defer("version__terms"), lambda phase: phase.subscription_id)


def scheduled_change(subscription: Subscription) -> ScheduledChange | None:
    """What is to happen at the running period's end: another version, or (version None) the end."""
    return scheduled_changes(subscription.pk)


@many
def scheduled_changes(subscription_ids: Sequence[UUID]) -> dict[UUID, ScheduledChange | None]:
    """Of a subscription, by its id."""
    rows = ScheduledChange.objects.filter(subscription__in=subscription_ids).select_related("version__plan")
    return {**dict.fromkeys(subscription_ids), **{row.subscription_id: row for row in rows}}


def had_trial(account: Account) -> bool:
    """Whether the account has used its one trial."""
    return account.subscriptions.filter(trial_end__isnull=False).exists()


def currency_is_fixed(account: Account) -> bool:
    """Whether a subscription, running or ended, has fixed the account's currency."""
    return account.subscriptions.exists()


def subscription_data(subscription: Subscription, at: datetime) -> dict[str, Any]:
    """The subscription at `at` (contract, section 8), by the periods that are stored."""
    period = subscription.periods.filter(start__lte=at, end__gt=at).first() or subscription.periods.last()
    version = version_at(subscription, min(at, period.end) if period else at)
    change = scheduled_change(subscription)
    ended = subscription.canceled_at
    return {
        "id": str(subscription.pk),
        "plan": version.plan.code,
        "version": version.number,
        "status": status(subscription, at).value,
        "period": span_data(period) if period else None,
        "started_at": utc(subscription.started_at),
        "canceled_at": utc(ended) if ended else None,
        "scheduled_change": change
        and {
            "plan": change.version and change.version.plan.code,
            "version": change.version and change.version.number,
            "at": utc(change.at),
        },
    }


def span_data(period: Period) -> dict[str, str]:
    return {"start": utc(period.start), "end": utc(period.end)}
