"""What a plan change comes to, worked out once for its preview and for making it. Nothing is stored here."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS
from django.db.models.deletion import Collector, ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.plans.actions.subscribe import version_for_sale
from billing.plans.errors import (
    ChangeNotAllowed,
    InvalidChoice,
    InvalidInstant,
    PeriodInvoiced,
    SameVersion,
    SubscriptionEnded,
    SubscriptionNotStarted,
)
from billing.plans.lines import PlanLine
from billing.plans.models import Period, Phase, Plan, PlanVersion, Subscription
from billing.plans.opening import next_period
from billing.plans.previews import Actor, Preview, When
from billing.plans.queries.periods import current_period, day_in
from billing.pricing.dates import local_midnight
from billing.pricing.proration import change_lines, interval_change_lines


@dataclass(frozen=True, slots=True)
class Step:
    """A change ready to be made: the phase it ends, the version it begins, the periods it touches.

    `later` are periods that follow the one of the change. With another interval the period of the change is `closed`
    and a new one `opened`, both unsaved, and those of `later` are made anew; in a trial only these.
    """

    preview: Preview
    phase: Phase
    version: PlanVersion
    later: tuple[Period, ...] = ()
    closed: Period | None = None
    opened: Period | None = None


def plan_step(locked: Subscription, plan: Plan, when: When, at: datetime | None, actor: Actor) -> Step:
    """The change of `locked` to the newest version of `plan`. Raises a `PlanError` if it may not be made."""
    now = timezone.now()
    ensure_running(locked, now)
    version = version_for_sale(plan, locked.account, actor)
    phase = locked.phases.select_related("version__plan").get(end=None)
    _check_when(when, at, actor)
    if version.pk == phase.version_id:
        raise SameVersion(_("The subscription is on this plan already."), "plan")
    if when == "period_end":
        end = _last_period(locked).end
        return Step(Preview(locked, version, when, end, end), phase, version)
    if actor is Actor.CUSTOMER and version.base_price <= phase.version.base_price:
        raise ChangeNotAllowed(
            _("Only a plan with a higher base price begins at once: choose the end of the period."), "when"
        )
    move = _Move(locked, phase, version, when, at or now)
    _check_instant(move, now)
    periods = open_periods(locked, move.instant, "at" if at else "when")
    if version.interval != phase.version.interval:
        _ensure_nothing_rests_on(periods[1:])
        if not periods[0].trial:
            return _interval_step(move, periods)
    return _same_interval_step(move, periods)


def ensure_running(locked: Subscription, now: datetime) -> Period:
    """The running period, once what was due by now has been carried out."""
    if locked.canceled_at is None and locked.started_at > now:
        raise SubscriptionNotStarted(_("The subscription has not started: cancel it and subscribe anew."))
    period = current_period(locked, now) if locked.canceled_at is None else None
    if period is None:
        raise SubscriptionEnded(_("The subscription has ended."))
    return period


def open_periods(locked: Subscription, instant: datetime, field: str) -> list[Period]:
    """The period that holds `instant` and those after it, locked. None of them may have been invoiced."""
    rows = locked.periods.select_for_update(of=("self",)).filter(end__gt=instant)
    periods = list(rows.order_by("number").select_related("base_version__plan"))
    if not periods or periods[0].start > instant:
        raise InvalidInstant(_("The instant lies in no service period of the subscription."), field)
    if any(period.closed_at is not None for period in periods):
        raise PeriodInvoiced(_("The usage of that period has been invoiced: choose a later instant."), field)
    return periods


def _check_when(when: When, at: datetime | None, actor: Actor) -> None:
    if when not in ("now", "period_end", "at"):
        raise InvalidChoice(_("Choose now or period_end."), "when")
    if at is None:
        return
    if actor is Actor.CUSTOMER:
        raise ChangeNotAllowed(_("Only an installation key may choose the instant."), "at")
    if at.utcoffset() is None:
        raise InvalidInstant(_("Write the instant with its offset, such as 2026-02-01T00:00:00Z."), "at")


def _check_instant(move: "_Move", now: datetime) -> None:
    """It has come, or lies in a period that billing ahead of time has begun; and the running plan holds by then."""
    last = _last_period(move.locked)
    if move.instant > (last.end if last.start > now else now):
        raise InvalidInstant(_("The instant has not come yet: choose one up to now, or period_end."), "at")
    if move.instant < move.phase.start:
        since = move.phase.start.isoformat()
        raise InvalidInstant(
            _("The running plan began at %(since)s: choose that instant or a later one.") % {"since": since},
            "at" if move.when == "at" else "when",
        )


def _same_interval_step(move: "_Move", periods: Sequence[Period]) -> Step:
    """The unused days of the old base price back, the same days of the new one; whole ones of later periods
    whose base price has been invoiced.
    """
    old, new = move.phase.version, move.version
    first, *later = periods
    lines = list[PlanLine]()
    for period in [first, *(one for one in later if one.base_invoiced_at is not None)]:
        if not period.trial:
            day = day_in(period, move.instant) if period is first else period.first_day
            back, charged = change_lines(old.base_price, new.base_price, day, period, new.currency)
            lines += [PlanLine(old, back, period), PlanLine(new, charged, period)]
    return Step(move.preview(first.end, lines), move.phase, new, tuple(later))


def _interval_step(move: "_Move", periods: Sequence[Period]) -> Step:
    """A new period from local midnight of the day of change; the old period's unused days back."""
    old, new = move.phase.version, move.version
    running, *later = periods
    day = day_in(running, move.instant)
    closed = copy.copy(running)
    closed.end = running.start if day == running.first_day else local_midnight(day, running.timezone)
    closed.end_day = day
    opened = next_period(move.locked, closed, new, anchor_day=day)
    back, base = interval_change_lines(old.base_price, new.base_price, running, opened, new.currency)
    lines = [PlanLine(old, back, running), PlanLine(new, base, opened, pending=False)]
    return Step(move.preview(move.instant, lines), move.phase, new, tuple(later), closed, opened)


def _ensure_nothing_rests_on(periods: Sequence[Period]) -> None:
    """Another interval makes these anew: no base price may be invoiced, no limit set, no alert sent in one of them."""
    try:
        Collector(using=DEFAULT_DB_ALIAS).collect(periods)
        free = all(period.base_invoiced_at is None for period in periods)
    except ProtectedError:
        free = False
    if not free:
        raise InvalidInstant(_("To change the interval, choose an instant of the running period."), "at")


@dataclass(frozen=True, slots=True)
class _Move:
    """From the version of `phase` to `version` at `instant`."""

    locked: Subscription
    phase: Phase
    version: PlanVersion
    when: When
    instant: datetime

    def preview(self, next_invoice_at: datetime, lines: Sequence[PlanLine]) -> Preview:
        return Preview(self.locked, self.version, self.when, self.instant, next_invoice_at, tuple(lines))


def _last_period(locked: Subscription) -> Period:
    last = locked.periods.last()
    if last is None:
        raise SubscriptionNotStarted(_("The subscription has not started."))
    return last
