"""Putting an account on a plan."""

from datetime import UTC, date, datetime, timedelta
from typing import Literal, cast
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.activity import record
from accounts.models import Account, Deed
from billing.plans.errors import (
    AlreadySubscribed,
    CurrencyMismatch,
    InvalidChoice,
    InvalidInstant,
    PlanNotForSale,
    PlanNotPublic,
)
from billing.plans.lines import PlanLine
from billing.plans.models import Period, Phase, Plan, PlanVersion, Subscription
from billing.plans.opening import first_periods
from billing.plans.previews import Actor, Preview
from billing.plans.queries.catalog import latest_version
from billing.plans.queries.periods import base_charge, current_period
from billing.plans.queries.subscriptions import had_trial, running_subscription
from billing.plans.queries.telling import Change, tell_change
from billing.pricing.dates import Interval
from billing.pricing.periods import anchor_for

EARLIEST_START = datetime(2000, 1, 1, tzinfo=UTC)
MAX_AHEAD = timedelta(days=366)
"""How far ahead a subscription may start: what is agreed for later than that is not known today."""


@transaction.atomic
def preview_subscribe(
    account: Account,
    plan: Plan,
    start: datetime | None = None,
    anchor: str = "start",
    *,
    actor: Actor = Actor.INSTALLATION,
) -> Preview:
    """What subscribing would come to: the base price of each period begun by now, or of the first one that is paid.

    Nothing is stored. Raises the same `PlanError`s as `subscribe`.
    """
    return _plan_start(_locked(account), plan, start, anchor, actor)


@transaction.atomic
def subscribe(
    account: Account,
    plan: Plan,
    start: datetime | None = None,
    anchor: str = "start",
    *,
    actor: Actor = Actor.INSTALLATION,
    quote: str | None = None,
) -> Subscription:
    """Put the account on the newest version of `plan` from `start` (default: now), and store the periods begun.

    The account's first plan with trial days begins with a trial, once; billing periods start at its end. Raises a
    `PlanError`: AlreadySubscribed, PlanNotForSale, PlanNotPublic, CurrencyMismatch, InvalidInstant, InvalidChoice,
    and with a `quote` that does not hold any more QuoteChanged, which has the new preview.
    """
    account = _locked(account)
    preview = _plan_start(account, plan, start, anchor, actor)
    preview.hold_to(quote)
    subscription, version = preview.subscription, preview.version
    assert version is not None  # noqa: S101  # only an end has none
    subscription.save(force_insert=True)
    start = subscription.started_at
    Phase.objects.create(subscription=subscription, account=account, version=version, start=start)
    current_period(subscription, timezone.now())
    tell_change(subscription, Change.STARTED)
    record(account, Deed.PLAN_STARTED, after=version.told, at=start)
    return subscription


def _plan_start(account: Account, plan: Plan, start: datetime | None, anchor: str, actor: Actor) -> Preview:
    """The new subscription, not stored, of an account whose row is locked."""
    now = timezone.now()
    version = version_for_sale(plan, account, actor)
    if anchor not in ("start", "calendar"):
        raise InvalidChoice(_("Choose start or calendar."), "anchor")
    running = running_subscription(account)
    if running is not None:
        current_period(running, now)
        if running.canceled_at is None:
            raise AlreadySubscribed(
                _("The account has a running subscription: change or cancel that one."), "plan"
            )
    begin = _checked_start(account, start, now)
    trial_end = None
    if version.trial_days and not had_trial(account):
        trial_end = _after_days(begin, version.trial_days, account.timezone)
    subscription = Subscription(
        account=account,
        started_at=begin,
        trial_end=trial_end,
        anchor=anchor,
        anchor_day=_anchor_day(trial_end or begin, version, account.timezone, anchor),
    )
    paid = [period for period in first_periods(subscription, version, now) if not period.trial]
    lines = tuple(
        PlanLine(version, charge, period, pending=False)
        for period in paid
        if (charge := base_charge(period)) and charge.price
    )
    return Preview(
        subscription,
        version,
        "now" if start is None else "at",
        begin,
        max(paid[0].start if lines else paid[0].end, now),
        lines,
        first=paid[0],
        subject=f"start {account.pk} {anchor}",
    )


def _locked(account: Account) -> Account:
    return Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def version_for_sale(plan: Plan, account: Account, actor: Actor) -> PlanVersion:
    """The version of `plan` that `actor` may put the account on."""
    version = latest_version(plan)
    if version is None or version.plan.archived:
        raise PlanNotForSale(_("This plan is not for sale: choose another one."), "plan")
    if not version.plan.public and actor is Actor.CUSTOMER:
        raise PlanNotPublic(_("This plan is not public: ask support to move you to it."), "plan")
    if version.currency != account.currency:
        raise CurrencyMismatch(
            _(
                "The plan is priced in %(plan)s, the account is billed in %(account)s: choose a plan in that currency."
            )
            % {"plan": version.currency, "account": account.currency},
            "plan",
        )
    return version


def _checked_start(account: Account, start: datetime | None, now: datetime) -> datetime:
    start = now if start is None else start
    if start.utcoffset() is None:
        raise InvalidInstant(_("Write the instant with its offset, such as 2026-02-01T00:00:00Z."), "start")
    start = start.astimezone(UTC)
    if not EARLIEST_START <= start <= now + MAX_AHEAD:
        raise InvalidInstant(_("The start must lie after 1999 and at most 366 days ahead."), "start")
    last_end = Period.objects.filter(account=account).aggregate(end=Max("end"))["end"]
    if last_end is not None and start < last_end:
        raise InvalidInstant(
            _("The account has service periods up to %(end)s: start then or later.")
            % {"end": last_end.isoformat()},
            "start",
        )
    return start


def _after_days(start: datetime, days: int, zone: str) -> datetime:
    """The same time of day, by the clock of the zone, `days` days later."""
    return (start.astimezone(ZoneInfo(zone)) + timedelta(days=days)).astimezone(UTC)


def _anchor_day(start: datetime, version: PlanVersion, zone: str, anchor: str) -> date:
    kind = cast(Literal["start", "calendar"], anchor)
    return anchor_for(start, cast(Interval, version.interval), zone, kind).day
