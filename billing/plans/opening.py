"""Which period of a subscription comes next. Nothing is stored here."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Literal, cast

from billing.plans.models import Period, PlanVersion, Subscription
from billing.pricing import periods as calendar
from billing.pricing.dates import Interval, local_date, whole_intervals
from billing.pricing.periods import Anchor, anchor_for, period_dates


def next_period(
    subscription: Subscription, last: Period | None, version: PlanVersion, anchor_day: date | None = None
) -> Period:
    """The unsaved period that follows `last` (None: the first one), opened on `version` in the account's zone now.

    `anchor_day`, if it is given, is where counting begins anew, by a change to another interval.
    """
    zone = subscription.account.timezone
    if last is None and subscription.trial_end is not None:
        return _trial(subscription, subscription.trial_end, zone)
    interval = cast(Interval, version.interval)
    if last is None or last.trial:
        start = subscription.started_at if last is None else last.end
        anchor = anchor_for(start, interval, zone, cast(Literal["start", "calendar"], subscription.anchor))
        found = calendar.period_containing(anchor, start, start)
    else:
        anchor = Anchor(anchor_day or subscription.anchor_day, interval, zone)
        count = whole_intervals(anchor.day, interval, last.end_day)
        found = calendar.period_at(anchor, count, last.end)
        cut = found.start != found.full_start and last.days > 0
        if cut or (found.start, found.first_day) != (last.end, last.end_day):  # the zone has changed since
            found = calendar.continue_in_zone(anchor, count, last.end)
    full_first_day, full_end_day = period_dates(anchor, found.number)
    return Period(
        subscription=subscription,
        account_id=subscription.account_id,
        number=0 if last is None else last.number + 1,
        start=found.start,
        end=found.end,
        full_start=found.full_start,
        full_end=found.full_end,
        first_day=found.first_day,
        end_day=found.end_day,
        full_first_day=full_first_day,
        full_end_day=full_end_day,
        timezone=zone,
        base_version=version,
        base_end_day=found.end_day,
    )


def first_periods(subscription: Subscription, version: PlanVersion, until: datetime) -> Iterator[Period]:
    """The unsaved periods of a subscription that is not stored: those begun by `until`, and at least to the first
    one that is paid.
    """
    last = None
    while last is None or last.trial or last.end <= until:
        last = next_period(subscription, last, version)
        yield last


def anchor_day_of(period: Period, subscription: Subscription, interval: str) -> date:
    """The day from which the periods after `period`, the first that is no trial, are counted."""
    start, zone = period.start, period.timezone
    kind = cast(Literal["start", "calendar"], subscription.anchor)
    return anchor_for(start, cast(Interval, interval), zone, kind).day


def _trial(subscription: Subscription, end: datetime, zone: str) -> Period:
    """The free period before the first billing period, which begins on its end."""
    start = subscription.started_at
    first_day, last_day = local_date(start, zone), local_date(end, zone)
    end_day = max(last_day, first_day)
    return Period(
        subscription=subscription,
        account_id=subscription.account_id,
        number=0,
        start=start,
        end=end,
        full_start=start,
        full_end=end,
        first_day=first_day,
        end_day=end_day,
        full_first_day=first_day,
        full_end_day=end_day,
        timezone=zone,
        base_end_day=end_day,
        trial=True,
    )
