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

from bisect import bisect_left
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Interval = Literal["week", "month", "quarter", "year"]

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
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
    one, other = (datetime.combine(day, time(fold=fold), zone).astimezone(UTC) for fold in (0, 1))
    first = min(one, other)
    # Only where clocks jump over midnight does fold 1 lie before fold 0 (PEP 495), and the jump between them.
    seconds = range((one - other) // SECOND)
    return first + SECOND * bisect_left(
        seconds, True, key=lambda passed: (first + SECOND * passed).astimezone(zone).date() >= day
    )


def local_date(instant: datetime, timezone: str) -> date:
    """The local day that `instant` belongs to: the last one that has begun by then.

    Where clocks go back over midnight the hour that the calendar shows twice belongs to the later day, which
    has begun already, so that every instant lies between its day's midnight and the next.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    day = instant.astimezone(ZoneInfo(timezone)).date()
    return day + DAY if local_midnight(day + DAY, timezone) <= instant else day


def utc(instant: datetime) -> str:
    """RFC 3339 in UTC with Z, as every answer and message writes instants."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
