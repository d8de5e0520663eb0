"""Ending a subscription."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.activity import record
from accounts.models import Deed
from billing.plans.actions.steps import ensure_running, open_periods
from billing.plans.errors import ChangeNotAllowed, InvalidChoice, SubscriptionEnded
from billing.plans.lines import PlanLine
from billing.plans.models import Period, Phase, ScheduledChange, Subscription
from billing.plans.previews import Actor, Preview, When
from billing.plans.queries.periods import day_in, lock_subscription
from billing.plans.queries.subscriptions import version_at
from billing.plans.queries.telling import Change, tell_change
from billing.pricing.dates import DAY
from billing.pricing.proration import cancel_line


@transaction.atomic
def preview_cancel(subscription: Subscription, when: When = "period_end", *, actor: Actor) -> Preview:
    """What ending the subscription now, or at its period's end, would come to. Raises a `PlanError`."""
    return _preview(lock_subscription(subscription), when, actor)


@transaction.atomic
def cancel(
    subscription: Subscription, when: When = "period_end", *, actor: Actor, quote: str | None = None
) -> Preview:
    """End the subscription. At the period's end: scheduled, in place of any scheduled change, and may be taken back.

    `now`: the period ends at this instant and its unused days are given back, the day itself counts as used; the
    caller then bills the account at once. Raises a `PlanError`, `QuoteChanged` among them.
    """
    locked = lock_subscription(subscription)
    preview = _preview(locked, when, actor)
    preview.hold_to(quote)
    ScheduledChange.objects.filter(subscription=locked).delete()
    scheduled = preview.scheduled
    if scheduled is not None:
        scheduled.save()
        tell_change(locked, Change.CANCELLATION_SCHEDULED)
    else:
        _end_now(locked, preview)
        tell_change(locked, Change.CANCELED)
    record(locked.account_id, Deed.PLAN_CANCELLED, when=preview.when, at=preview.effective_at)
    subscription.canceled_at = locked.canceled_at
    return preview


def _preview(locked: Subscription, when: When, actor: Actor) -> Preview:
    now = timezone.now()
    if when not in ("now", "period_end"):
        raise InvalidChoice(_("Choose now or period_end."), "when")
    if when == "now" and actor is Actor.CUSTOMER:
        raise ChangeNotAllowed(_("A subscription ends with its period: choose period_end."), "when")
    if locked.canceled_at is not None:
        raise SubscriptionEnded(_("The subscription has ended."))
    if locked.started_at > now:  # nothing of it has begun, so nothing has to end first
        return Preview(locked, None, "now", locked.started_at, None)
    ensure_running(locked, now)
    if when == "period_end":
        end = locked.periods.latest("number").end
        return Preview(locked, None, when, end, end)
    period, *later = open_periods(locked, now, "when")
    _refuse_later(later)
    return Preview(locked, None, when, now, now, _days_back(locked, period, now))


def _refuse_later(later: list[Period]) -> None:
    """Periods after the running one exist only where billing was run ahead of time, on a test site."""
    if later:
        raise ChangeNotAllowed(_("Later periods have begun already: choose period_end."), "when")


def _days_back(locked: Subscription, period: Period, now: datetime) -> tuple[PlanLine, ...]:
    if period.trial:
        return ()
    version = version_at(locked, now)
    back = cancel_line(version.base_price, day_in(period, now), period, version.currency)
    return (PlanLine(version, back, period),) if back.days else ()


def _end_now(locked: Subscription, preview: Preview) -> None:
    instant = preview.effective_at
    for line in preview.plan_lines:
        line.store(locked)
    for period in locked.periods.filter(end__gt=instant, start__lte=instant):
        period.end_day = day_in(period, instant) + DAY
        period.end = instant
        period.save(update_fields=["end", "end_day"])
    Phase.objects.filter(subscription=locked, end=None, start__lt=instant).update(end=instant)
    locked.canceled_at = instant
    locked.save(update_fields=["canceled_at"])
