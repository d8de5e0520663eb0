"""Taking back what is scheduled, and going on after an end."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.activity import record
from accounts.models import Account, Deed
from billing.plans.actions.subscribe import preview_subscribe, subscribe
from billing.plans.errors import NothingScheduled, PlanError, SubscriptionRunning
from billing.plans.models import Plan, PlanVersion, ScheduledChange, Subscription
from billing.plans.previews import Actor, Preview
from billing.plans.queries.periods import current_period, lock_subscription
from billing.plans.queries.subscriptions import scheduled_change, version_at
from billing.plans.queries.telling import Change, tell_change


@transaction.atomic
def preview_take_back(subscription: Subscription) -> Preview:
    """What goes on if the scheduled change or cancellation is taken back. Raises `NothingScheduled`."""
    return _taken_back(lock_subscription(subscription))


@transaction.atomic
def take_back(subscription: Subscription, *, quote: str | None = None) -> Preview:
    """Take back the scheduled change or cancellation: the plan goes on as it is.

    Raises `NothingScheduled`, also once its time has come, and `QuoteChanged` if something else is scheduled now.
    """
    locked = lock_subscription(subscription)
    preview = _taken_back(locked)
    preview.hold_to(quote)
    change = ScheduledChange.objects.select_related("version__plan").get(subscription=locked)
    change.delete()
    tell_change(locked, Change.TAKEN_BACK)
    before = change.version and change.version.told
    record(locked.account_id, Deed.PLAN_TAKEN_BACK, before=before, at=change.at)
    return preview


@transaction.atomic
def preview_reactivate(subscription: Subscription, *, actor: Actor) -> Preview:
    """What `reactivate` would come to. Raises the same `PlanError`s; nothing is stored."""
    locked = lock_subscription(subscription)
    if _is_ending(locked):
        return _taken_back(locked)
    with _no_field():
        return preview_subscribe(*_anew(locked), actor=actor)


@transaction.atomic
def reactivate(subscription: Subscription, *, actor: Actor, quote: str | None = None) -> Subscription:
    """Go on: a scheduled cancellation is taken back; after the end a new subscription begins on the same plan.

    The new one is on the plan's newest version, from now, or from the old start where that is still to come. Returns
    the subscription that runs; the caller invoices the first base price of a new one. Raises a `PlanError`:
    SubscriptionRunning, PlanNotForSale, PlanNotPublic, AlreadySubscribed, QuoteChanged.
    """
    locked = lock_subscription(subscription)
    if _is_ending(locked):
        take_back(locked, quote=quote)
        return locked
    with _no_field():
        return subscribe(*_anew(locked), actor=actor, quote=quote)


def _taken_back(locked: Subscription) -> Preview:
    """Once a change has come it is carried out, and cannot be taken back."""
    now = timezone.now()
    if locked.canceled_at is None:
        current_period(locked, now)
    change = scheduled_change(locked)
    if change is None:
        raise NothingScheduled(_("No change or cancellation is scheduled."))
    stays: PlanVersion = version_at(locked, now)
    return Preview(locked, stays, "period_end", change.at, change.at, subject=f"take back {change.pk}")


def _is_ending(locked: Subscription) -> bool:
    """Whether its end is still to come; False: it has ended. Raises `SubscriptionRunning` if no end is in sight."""
    if locked.canceled_at is None:
        current_period(locked, timezone.now())
    if locked.canceled_at is not None:
        return False
    change = scheduled_change(locked)
    if change is None or change.version is not None:
        raise SubscriptionRunning(_("The subscription goes on: there is no cancellation to take back."))
    return True


def _anew(ended: Subscription) -> tuple[Account, Plan, datetime | None, str]:
    """What `subscribe` takes, to go on with the same plan; one that was cancelled before its start keeps that."""
    start = ended.started_at if ended.started_at > timezone.now() else None
    return ended.account, version_at(ended, ended.canceled_at or ended.started_at).plan, start, ended.anchor


@contextmanager
def _no_field() -> Iterator[None]:
    """The plan is not chosen by who reactivates: a refusal of it names no input."""
    try:
        yield
    except PlanError as error:
        error.field = "" if error.field == "plan" else error.field
        raise
