"""When usage reached a limit, to the millisecond: the arrival of the event that did it.

Day totals do not say, so the period is priced as it stood at some instants, backwards from now in growing steps, then
by halving: a few dozen readings, made once for a firing and after its mail is on its way.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import Min

from billing.limits.models import LimitVersion
from billing.limits.queries.clamping import spent_on, usage_so_far
from billing.plans.models import Period
from billing.pricing.money import ZERO
from billing.usage.models import Event
from billing.usage.rating import rate_period

_FIRST_STEP: Final = timedelta(seconds=1)
_GROWTH: Final = 4
_FINEST: Final = timedelta(milliseconds=1)


def is_reached(limit: LimitVersion, spent: Decimal) -> bool:
    """Whether `spent` is at the limit or above it. A limit of 0 is reached by the first cent."""
    return limit.amount is not None and ZERO < spent >= limit.amount


def crossed_at(limit: LimitVersion, period: Period, by: datetime) -> datetime | None:
    """When usage of the running period reached the limit, in [its beginning there, by]; None if it has not by then.

    The beginning itself, where usage was there already: the limit was lowered below it.
    """
    meter = limit.meter.code if limit.meter else None

    def reached(instant: datetime) -> bool:
        rated = rate_period(period, as_of=instant, arrived_by=instant)
        return is_reached(limit, spent_on(usage_so_far(rated), meter))

    first = max(limit.since, period.start)
    if not reached(by):
        return None
    before, after = _around(reached, first, by)
    if before is None:
        return first
    while after - before > _FINEST:
        middle = before + (after - before) / 2
        before, after = (before, middle) if reached(middle) else (middle, after)
    return _arrival(period, before, after) or after


def _around(
    reached: Callable[[datetime], bool], first: datetime, by: datetime
) -> tuple[datetime | None, datetime]:
    """An instant before the crossing (None: there is none from `first` on) and one after it."""
    step, after = _FIRST_STEP, by
    while after > first:
        before = max(by - step, first)
        if not reached(before):
            return before, after
        step, after = step * _GROWTH, before
    return None, first


def _arrival(period: Period, before: datetime, after: datetime) -> datetime | None:
    """The first event in (before, after]; None where usage grew by time alone, as levels do."""
    inside = {"time__gte": period.start, "time__lt": period.end}
    came = Event.objects.filter(
        account=period.account, received_at__gt=before, received_at__lte=after, **inside
    )
    found: datetime | None = came.aggregate(at=Min("received_at"))["at"]
    return found
