"""Changing a subscription's plan: what it would come to, and doing exactly that."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.activity import record
from accounts.models import Deed
from billing.plans.actions.steps import Step, plan_step
from billing.plans.models import Period, Phase, Plan, ScheduledChange, Subscription
from billing.plans.previews import Actor, Preview, When
from billing.plans.queries.periods import current_period, lock_subscription
from billing.plans.queries.telling import Change, tell_change


@transaction.atomic
def preview_change(
    subscription: Subscription,
    plan: Plan,
    when: When = "now",
    *,
    at: datetime | None = None,
    actor: Actor,
) -> Preview:
    """What moving to the newest version of `plan` would come to: `when` is now or period_end; `at`, an instant that
    has come, is in place of it and for the installation only.

    Raises a `PlanError`. The quote of the answer holds for 15 minutes.
    """
    return plan_step(lock_subscription(subscription), plan, "at" if at else when, at, actor).preview


@transaction.atomic
def confirm_change(
    subscription: Subscription,
    plan: Plan,
    when: When = "now",
    *,
    at: datetime | None = None,
    actor: Actor,
    quote: str | None = None,
) -> Preview:
    """Make the change and return what it came to; what was scheduled before is replaced.

    Raises a `PlanError`; with a `quote` that does not hold any more `QuoteChanged`, which has the new preview.
    Another interval ends the period of the change: after `now` the caller bills the account at once.
    """
    locked = lock_subscription(subscription)
    step = plan_step(locked, plan, "at" if at else when, at, actor)
    step.preview.hold_to(quote)
    ScheduledChange.objects.filter(subscription=locked).delete()
    scheduled = step.preview.scheduled
    if scheduled is not None:
        scheduled.save()
        tell_change(locked, Change.CHANGE_SCHEDULED)
    else:
        _switch(locked, step)
        tell_change(locked, Change.PLAN_CHANGED)
    before, after, at = step.phase.version.told, step.version.told, step.preview.effective_at
    record(locked.account_id, Deed.PLAN_CHANGED, before=before, after=after, when=step.preview.when, at=at)
    subscription.anchor_day, subscription.canceled_at = locked.anchor_day, locked.canceled_at
    return step.preview


def _switch(locked: Subscription, step: Step) -> None:
    """Put the subscription on the new version from the step's instant."""
    instant = step.preview.effective_at
    if step.phase.start == instant:
        Phase.objects.filter(pk=step.phase.pk).update(version=step.version)
    else:
        Phase.objects.filter(pk=step.phase.pk).update(end=instant)
        Phase.objects.create(
            subscription=locked, account_id=locked.account_id, version=step.version, start=instant
        )
    if step.version.interval != step.phase.version.interval:
        _begin_anew(locked, step)
    else:
        for period in step.later:
            if period.base_invoiced_at is None:
                period.base_version = step.version
                period.save(update_fields=["base_version"])
    for line in step.preview.plan_lines:
        if line.pending:
            line.store(locked)


def _begin_anew(locked: Subscription, step: Step) -> None:
    """End one period and begin another in its place; those after it, on the old interval, are made anew by now."""
    Period.objects.filter(pk__in=[period.pk for period in step.later]).delete()
    if step.closed is not None and step.opened is not None:  # neither in a trial, which goes on
        step.closed.save(update_fields=["end", "end_day"])
        step.opened.save()
        locked.anchor_day = step.opened.first_day
        locked.save(update_fields=["anchor_day"])
    current_period(locked, timezone.now())
