"""The hours of an account's last days, counted by the worker, so that a forecast knows how its days mostly go.

They are no figures: no amount is ever made of them. Who counts twice writes the same; a day that usage still came for
is counted anew (`arrived_at` of its totals); one whose events are purged or that lies in no paid period says nothing.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Final

from django.db.models import Max

from accounts.models import Account
from accounts.reading import grouped, many
from billing.plans.queries import period_at
from billing.pricing.dates import DAY, local_date
from billing.pricing.forecast import WINDOW_DAYS
from billing.pricing.hours import HOURS, Passed, hours_of, passed
from billing.pricing.money import ZERO, exact
from billing.usage.models import DayHours, DayTotal
from billing.usage.rating import costs_between
from billing.usage.retention import purged_days

MILLION: Final = 1_000_000

type Known = list[tuple[date, Sequence[int]]]
"""Days with their hours, as billing/pricing/hours.py takes them."""


def keep_hours(account: Account, at: datetime) -> int:
    """Count the hours of the complete days of the last four weeks that are not counted yet; of how many days.

    Inside the account's scope. Days are those of the running period's zone: hours of another one are let go.
    """
    period = period_at(account, at)
    if period is None:
        return 0
    today = local_date(at, period.timezone)
    first, last = today - DAY * WINDOW_DAYS, today - DAY
    kept = DayHours.objects.filter(account=account)
    kept.exclude(day__range=(first, last), timezone=period.timezone).delete()
    rows = [
        DayHours(
            account=account,
            day=day,
            timezone=period.timezone,
            hours=_hours(account, day, period.timezone),
            counted_at=at,
        )
        for day in _uncounted(account, first, last, period.timezone)
    ]
    DayHours.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["account", "day"],
        update_fields=["timezone", "hours", "counted_at"],
    )
    return len(rows)


@many
def day_hours(account_ids: Sequence[int]) -> dict[int, Known]:
    """The counted days of an account; inside its scope."""
    rows = DayHours.objects.filter(account__in=account_ids).values_list("account_id", "day", "hours")
    found = grouped(account_ids, rows, lambda row: row[0])
    return {account_id: [(day, hours) for _account, day, hours in of] for account_id, of in found.items()}


def passed_today(account_id: int, today: date, at: datetime, zone: str) -> Passed:
    """How much of today's cost has mostly come by `at`, by the account's own days; evenly while they are too few."""
    return passed(day_hours(account_id), today, at, zone)


def _uncounted(account: Account, first: date, last: date, zone: str) -> Iterator[date]:
    """The days with usage that came after they were counted, if they were."""
    totals = DayTotal.objects.filter(account=account, day__range=(first, last)).order_by()
    arrived = dict(totals.values_list("day").annotate(at=Max("arrived_at")))
    counted = dict(DayHours.objects.filter(account=account).values_list("day", "counted_at"))
    gone = purged_days(account.pk, zone)
    for day, at in sorted(arrived.items()):
        if day not in gone and (day not in counted or at > counted[day]):
            yield day


@exact()
def _hours(account: Account, day: date, zone: str) -> list[int]:
    """Millionths of the day's cost by the clock's hour; none for a day that cost nothing, or not all of whose hours lie
    in one paid period. An hour in which the cost fell counts as none.
    """
    hours = hours_of(day, zone)
    period = period_at(account, hours[0].start) if hours else None
    if period is None or period.trial or period.end < hours[-1].end:
        return []
    period.account = account
    by_clock = [ZERO] * HOURS
    cuts = [hours[0].start, *(hour.end for hour in hours)]
    for hour, cost in zip(hours, costs_between(period, cuts), strict=True):
        by_clock[hour.clock] += max(cost, ZERO)
    whole = sum(by_clock, ZERO)
    return [int(cost * MILLION // whole) for cost in by_clock] if whole else []
