"""A zone's clock as ESPI tells it: an offset from UTC, and when summer time begins and ends, in bits.

Bits of a rule, from the lowest: seconds of the hour (12), hour (5), day of the week (3, Monday 1), day of the month
(5), which of those days (3) and the month (4). Source: ESPI, DstRuleType.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

HOUR: Final = timedelta(hours=1)
SECOND: Final = timedelta(seconds=1)
NO_RULE: Final = "00000000"
ON_THE_DAY: Final = 0
FIRST: Final = 2
LAST: Final = 7
"""Which days: that day of the month, the first such day of the week (3 the second, and so on), the last one."""

YEARS: Final = 8
"""Looked at to see which day of the month is meant: the 4th Sunday is at times the last one too."""


@dataclass(frozen=True, slots=True)
class LocalTime:
    """Seconds, and rules of eight hexadecimal digits; no rules where clocks are never moved."""

    offset: int
    saving: int
    start_rule: str
    end_rule: str


def local_time(zone: str, year: int) -> LocalTime:
    """The clock of `zone` in `year`."""
    offsets = [_offset(ZoneInfo(zone), datetime(year, month, 1, tzinfo=UTC)) for month in (1, 7)]
    standard, summer = min(offsets), max(offsets)
    begins, ends = _rule(zone, year, forward=True), _rule(zone, year, forward=False)
    if standard == summer or NO_RULE in (begins, ends):
        return LocalTime(_seconds(offsets[0]), 0, NO_RULE, NO_RULE)
    return LocalTime(_seconds(standard), _seconds(summer - standard), begins, ends)


def _rule(zone: str, year: int, *, forward: bool) -> str:
    """When clocks are moved, by what they show just before."""
    found = [change for each in range(year, year + YEARS) if (change := _change(zone, each, forward=forward))]
    if not found or found[0].year != year:
        return NO_RULE
    first, days = found[0], {(each.month, each.weekday()) for each in found}
    places = {(each.day - 1) // 7 for each in found}
    if len(days) == 1 and all((each + timedelta(days=7)).month != each.month for each in found):
        return _bits(first, first.isoweekday(), 0, LAST)
    if len(days) == 1 and len(places) == 1:
        return _bits(first, first.isoweekday(), 0, FIRST + places.pop())
    return _bits(first, 0, first.day, ON_THE_DAY)


def _bits(at: datetime, weekday: int, day: int, which: int) -> str:
    seconds = at.minute * 60 + at.second
    return f"{seconds | at.hour << 12 | weekday << 17 | day << 20 | which << 25 | at.month << 28:08X}"


def _change(zone: str, year: int, *, forward: bool) -> datetime | None:
    """The first move of clocks in that direction in `year`, by the clock before it."""
    place, at, after = ZoneInfo(zone), datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while at < after:
        following = at + timedelta(days=1)
        before, later = _offset(place, at), _offset(place, following)
        if before != later and (later > before) is forward:
            return _exactly(place, at, following).replace(tzinfo=None) + before
        at = following
    return None


def _exactly(place: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The instant between the two from which on the clock shows the later offset."""
    before = _offset(place, low)
    while high - low > SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if _offset(place, middle) == before else (low, middle)
    return high


def _offset(place: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(place).utcoffset() or timedelta()


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
