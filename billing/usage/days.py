"""Local days as stretches of instants, by the rule of billing/pricing/dates.py, cached for the hot paths."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from billing.pricing.dates import DAY, local_date, local_midnight

MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=50_000)
def day_bounds(zone: str, day: date) -> tuple[datetime, datetime]:
    """The instants [start, end) of a local day."""
    return local_midnight(day, zone), local_midnight(day + DAY, zone)


def day_of(zone: str, instant: datetime) -> date:
    """The local day of an instant."""
    day = instant.astimezone(ZoneInfo(zone)).date()
    start, end = day_bounds(zone, day)
    return day if start <= instant < end else local_date(instant, zone)


def days_between(zone: str, start: datetime, end: datetime) -> list[date]:
    """The local days that share an instant with [start, end)."""
    if start >= end:
        return []
    first, last = day_of(zone, start), day_of(zone, end - MICROSECOND)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970, exactly."""
    return (instant - _EPOCH) // MICROSECOND
