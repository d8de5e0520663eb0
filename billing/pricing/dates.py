"""Local calendar days: where a day begins in a time zone, and which day a step of intervals leads to.

Two rules carry the whole calendar of the product (contract, section 4):

* A local day begins at the *first* instant at which the zone's clock has reached 00:00 of that day. Where
  clocks jump over midnight (Santiago, Beirut) that is the jump; where midnight happens twice it is the first
  one; a day the zone left out (Apia, 30 December 2011) begins, and ends, where the next one begins. So the
  days of any zone follow each other without gap or overlap.
* A step is counted from the day it starts from and keeps that day's number where the month has it: from
  31 January, one month is 28 or 29 February, two months are 31 March.

Instants are aware datetimes, answers are in UTC. Days outside years 1 to 9999 raise OverflowError or
ValueError.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Interval = Literal["week", "month", "quarter", "year"]

DAY = timedelta(days=1)
MONTHS: dict[Interval, int] = {"month": 1, "quarter": 3, "year": 12}


def add_intervals(day: date, interval: Interval, count: int) -> date:
    """The day `count` intervals after `day` (before it, if negative), the month's end permitting."""
    if interval == "week":
        return day + timedelta(weeks=count)
    months = day.year * 12 + day.month - 1 + MONTHS[interval] * count
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def whole_intervals(first: date, interval: Interval, day: date) -> int:
    """The largest n for which `first` + n intervals is not after `day`; negative before `first`."""
    if interval == "week":
        return (day - first).days // 7
    months = (day.year - first.year) * 12 + day.month - first.month
    count = months // MONTHS[interval]
    return count - 1 if add_intervals(first, interval, count) > day else count


def calendar_boundary(day: date, interval: Interval) -> date:
    """The Monday, or the 1st of the month, quarter or year, that `day` lies in, weeks as in ISO 8601."""
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return date(day.year, (day.month - 1) // MONTHS[interval] * MONTHS[interval] + 1, 1)


def local_midnight(day: date, timezone: str) -> datetime:
    """The instant, in UTC, at which `day` begins in `timezone`, an IANA name (else ZoneInfoNotFoundError)."""
    zone = ZoneInfo(timezone)
    wall = datetime.combine(day, time())
    before = wall.replace(tzinfo=zone).astimezone(UTC)
    if before.astimezone(zone).replace(tzinfo=None) == wall:
        return before
    return _jump_over(wall, zone, wall.replace(tzinfo=zone, fold=1).astimezone(UTC), before)


def _jump_over(wall: datetime, zone: ZoneInfo, early: datetime, late: datetime) -> datetime:
    """The jump in (early, late] that takes the zone's clock past `wall`, found by halving whole seconds."""
    low, high = 0, round((late - early).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        reached = (early + timedelta(seconds=middle)).astimezone(zone).replace(tzinfo=None) >= wall
        low, high = (low, middle) if reached else (middle, high)
    return early + timedelta(seconds=high)


def local_date(instant: datetime, timezone: str) -> date:
    """The local day that `instant` belongs to: the last one that has begun by then.

    Where clocks go back over midnight the hour that the calendar shows twice belongs to the later day, which
    has begun already, so that every instant lies between its day's midnight and the next.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    day = instant.astimezone(ZoneInfo(timezone)).date()
    return day + DAY if local_midnight(day + DAY, timezone) <= instant else day
