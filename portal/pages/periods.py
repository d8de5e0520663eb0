"""The period picker: which billing periods there are, and which one is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from accounts.models import Account
from billing.plans.models import Period, Subscription
from billing.plans.queries import current_period
from portal import dates

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


def choices(
    account: Account, chosen: Period, stored: Sequence[Period] | None = None
) -> Sequence[PeriodChoice]:
    """The last periods, newest first; `stored`: all of the account's in order, for who has them."""
    if stored is None:
        recent = list(Period.objects.filter(account=account).order_by("-start")[:SHOWN])
    else:
        recent = list(stored[-SHOWN:])[::-1]
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


def chosen_period(
    account: Account, subscription: Subscription, at: datetime, first_day: str
) -> Period | None:
    """The period that begins on `first_day` (ISO), else the running one, else the last one."""
    running = current_period(subscription, at)
    stored = Period.objects.filter(account=account).select_related(
        "subscription__account", "base_version__plan"
    )
    if first_day:
        try:
            wanted = date.fromisoformat(first_day)
        except ValueError:
            return running
        return stored.filter(first_day=wanted).order_by("-start").first() or running
    return running or stored.order_by("-start").first()
