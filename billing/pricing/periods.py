"""Service periods: half-open spans of UTC instants that follow the local calendar, counted from an anchor.

Rules (contract, section 4): period n runs from local midnight of the day n intervals after the anchor to that
of the next, never from the last period, so nothing drifts. A period carries its instants, which bound usage,
and its local days, which prorate prices. The full span is what it would be had nothing cut it.

* A subscription may begin at any instant of a day. Its first period begins at that instant, and the day
  counts as used: with the anchor `start` the first base price is whole.
* `calendar` puts the anchor on the Monday or the 1st that the start lies after; the first period is what is
  left.
* A day that the zone leaves out still counts as a calendar day, in the used and in the full days alike.
* Store the periods that began; a later change of the account's time zone never moves one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Literal

from billing.pricing.dates import (
    DAY,
    Interval,
    add_intervals,
    calendar_boundary,
    local_date,
    local_midnight,
    whole_intervals,
)

__all__ = [
    "Anchor",
    "Interval",
    "Period",
    "anchor_for",
    "close_at",
    "close_before",
    "continue_in_zone",
    "day_in",
    "local_date",
    "local_midnight",
    "period_at",
    "period_containing",
    "period_dates",
    "periods_between",
]


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where counting begins: a local day, the length of a period, an IANA time zone."""

    day: date
    interval: Interval
    timezone: str


@dataclass(frozen=True, slots=True)
class Period:
    """Period `number` of a subscription. Spans and days are half-open: `end`, `end_day` are not inside."""

    number: int
    start: datetime
    end: datetime
    full_start: datetime
    full_end: datetime
    first_day: date
    end_day: date
    full_days: int
    timezone: str

    @property
    def days(self) -> int:
        """Local calendar days used, the first one included."""
        return (self.end_day - self.first_day).days

    @property
    def last_day(self) -> date:
        """The last local day inside, as people write it."""
        return self.end_day - DAY


def anchor_for(
    start: datetime, interval: Interval, timezone: str, kind: Literal["start", "calendar"] = "start"
) -> Anchor:
    """The anchor of a subscription that starts at `start`."""
    day = local_date(start, timezone)
    return Anchor(day if kind == "start" else calendar_boundary(day, interval), interval, timezone)


def period_dates(anchor: Anchor, n: int) -> tuple[date, date]:
    """The local days [first, end) of the full period `n`; 0 is the one that begins on the anchor."""
    return add_intervals(anchor.day, anchor.interval, n), add_intervals(anchor.day, anchor.interval, n + 1)


def period_at(anchor: Anchor, n: int, start: datetime | None = None) -> Period:
    """Period `n`, cut at the subscription's `start` if that lies inside. ValueError if it ends before."""
    first, end_day = period_dates(anchor, n)
    full_start, end = local_midnight(first, anchor.timezone), local_midnight(end_day, anchor.timezone)
    period = Period(
        n, full_start, end, full_start, end, first, end_day, (end_day - first).days, anchor.timezone
    )
    if start is None or start <= full_start:
        return period
    if start >= end:
        raise ValueError(f"period {n} ends at {end.isoformat()}, before the start {start.isoformat()}")
    return replace(period, start=start.astimezone(UTC), first_day=local_date(start, anchor.timezone))


def period_containing(anchor: Anchor, instant: datetime, start: datetime | None = None) -> Period:
    """The period with start <= instant < end. ValueError if the subscription's `start` is after `instant`."""
    if start is not None and instant < start:
        raise ValueError(f"{instant.isoformat()} is before the start {start.isoformat()}")
    day = local_date(instant, anchor.timezone)
    return period_at(anchor, whole_intervals(anchor.day, anchor.interval, day), start)


def periods_between(
    anchor: Anchor, since: datetime, until: datetime, start: datetime | None = None
) -> Iterator[Period]:
    """The periods that share an instant with [since, until), in order; none lies before `start`."""
    since = since if start is None else max(since, start)
    while since < until:
        period = period_containing(anchor, since, start)
        yield period
        since = period.end


def continue_in_zone(anchor: Anchor, n: int, previous_end: datetime) -> Period:
    """Period `n` by an anchor whose time zone was changed: it begins where the stored period before it ended.

    So periods still tile. The period is some hours longer or shorter than the calendar's and counts as whole:
    its full span is its own, a level held throughout it bills as one. `n + 1` is an ordinary `period_at`
    again.
    """
    previous_end = previous_end.astimezone(UTC)
    return replace(period_at(anchor, n), start=previous_end, full_start=previous_end)


def day_in(period: Period, instant: datetime) -> date:
    """The period's local day for an instant of it.

    The hours that a change of time zone adds before the first day or after the last belong to those days.
    """
    return min(max(local_date(instant, period.timezone), period.first_day), period.last_day)


def close_at(period: Period, instant: datetime) -> Period:
    """The period as a cancellation at `instant` leaves it: the day of the instant counts as used.

    ValueError unless start <= instant <= end.
    """
    if not period.start <= instant <= period.end:
        raise ValueError(f"{instant.isoformat()} is not inside the period")
    return replace(period, end=instant.astimezone(UTC), end_day=day_in(period, instant) + DAY)


def close_before(period: Period, day: date) -> Period:
    """The period as a change of interval on `day` leaves it: it ends as that local day begins.

    The new period is `period_at(Anchor(day, …), 0, closed.end)`. On the period's first day nothing of it is
    left, also where it had begun inside that day: the new one takes over its start. ValueError for a day
    outside it.
    """
    if not period.first_day <= day < period.end_day:
        raise ValueError(f"{day} is not a day of the period")
    end = period.start if day == period.first_day else local_midnight(day, period.timezone)
    return replace(period, end=end, end_day=day)
