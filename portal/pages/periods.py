"""The period picker: which billing periods there are, and which one is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import Account
from accounts.reading import once
from billing.plans.models import Period, Subscription
from billing.plans.queries import current_period, period_at, running_subscription, scheduled_changes
from portal import dates
from portal.pages.known import tell_hours, tell_known, with_hours, with_known

SHOWN = 13


@dataclass(frozen=True, slots=True)
class PeriodChoice:
    name: str
    first_day: date
    last_day: date
    current: bool


def period_name(first_day: date, end_day: date) -> str:
    """The month where the period is one, else its days."""
    last = end_day - timedelta(days=1)
    if (
        first_day.day == 1
        and (first_day.year, first_day.month) == (last.year, last.month)
        and end_day.day == 1
    ):
        return dates.month(first_day)
    return dates.span(first_day, last)


@once
def recent_periods(account: Account) -> Sequence[Period]:
    """The account's last periods, newest first; the one that runs now is stored if it was not."""
    found = _stored(account)
    now = timezone.now()
    if found and found[0].end > now:
        return found
    running = running_subscription(account)
    if running is None:
        return found
    current_period(running, now)
    return _stored(account)


def _stored(account: Account) -> Sequence[Period]:
    rows = with_hours(with_known(_of(account), account)).select_related(
        "subscription__scheduled_change__version__plan"
    )
    found = list(rows.order_by("-start", "-number")[:SHOWN])
    for period in found:
        period.account = period.subscription.account = account
        change = getattr(period.subscription, "scheduled_change", None)
        scheduled_changes.tell(period.subscription_id, change)
    for period in found[:1]:
        tell_known(account, period)
    tell_hours(account, found)
    return found


def _of(account: Account) -> QuerySet[Period]:
    """`plan_terms` knows most versions' terms, so they are not read along."""
    rows = Period.objects.filter(account=account).select_related("subscription", "base_version__plan")
    return rows.defer("base_version__terms")


def plan_of(account: Account) -> Subscription | None:
    """The subscription that runs, as `running_subscription`: mostly known with its periods."""
    known = (period.subscription for period in recent_periods(account))
    return next((one for one in known if one.canceled_at is None), None) or running_subscription(account)


def period_holding(account: Account, instant: datetime) -> Period | None:
    """The period that holds `instant`, which has come: one of the recent ones, or an older one."""
    recent = recent_periods(account)
    found = next((period for period in recent if period.start <= instant < period.end), None)
    if found is not None or len(recent) < SHOWN or instant >= recent[-1].start:
        return found
    return period_at(account, instant)


def periods_touching(account: Account, start: datetime, end: datetime) -> list[Period]:
    """The paid periods that share an instant with [start, end), in order."""
    recent = recent_periods(account)
    if len(recent) == SHOWN and start < recent[-1].start:
        recent = list(_of(account).filter(start__lt=end, end__gt=start).order_by("-start", "-number"))
        for period in recent:
            period.account = period.subscription.account = account
    return [one for one in reversed(recent) if not one.trial and one.start < end and one.end > start]


def ended_before(account: Account, at: datetime, most: int) -> list[Period]:
    """The last paid periods that have ended by `at`, newest first, empty ones left out."""
    recent = recent_periods(account)
    ended = [one for one in recent if not one.trial and one.start < one.end <= at]
    if len(ended) < most and len(recent) == SHOWN:
        rows = _of(account).filter(trial=False, end__lte=at, end__gt=F("start"))
        return list(rows.order_by("-start")[:most])
    return ended[:most]


def choices(account: Account, chosen: Period) -> Sequence[PeriodChoice]:
    """The last periods, newest first."""
    recent = recent_periods(account)
    return [
        PeriodChoice(
            period_name(one.first_day, one.end_day),
            one.first_day,
            dates.last_day(one.end_day),
            one.pk == chosen.pk,
        )
        for one in recent
        if one.end > one.start
    ]


def chosen_period(account: Account, at: datetime, first_day: str) -> Period | None:
    """The period that begins on `first_day` (ISO), else the one that runs at `at`, else the last one."""
    recent = recent_periods(account)
    wanted = _iso(first_day)
    if wanted is not None:
        older = Period.objects.filter(account=account, first_day=wanted).order_by("-start")
        found = (
            next((one for one in recent if one.first_day == wanted), None)
            or older.select_related("subscription__account", "base_version__plan").first()
        )
        if found is not None:
            return found
    return period_holding(account, at) or next(iter(recent), None)


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
