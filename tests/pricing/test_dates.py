"""Local days: month ends, clocks that jump over midnight or show it twice, days that never were."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.dates import (
    Interval,
    add_intervals,
    calendar_boundary,
    local_date,
    local_midnight,
    whole_intervals,
)

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "interval", "count", "expected"),
    [
        ("2026-01-31", "month", 0, "2026-01-31"),
        ("2026-01-31", "month", 1, "2026-02-28"),
        ("2026-01-31", "month", 2, "2026-03-31"),
        ("2026-01-31", "month", 3, "2026-04-30"),
        ("2026-01-31", "month", 25, "2028-02-29"),
        ("2026-01-31", "month", -2, "2025-11-30"),
        ("2026-01-31", "month", -1, "2025-12-31"),
        ("2025-11-30", "quarter", 1, "2026-02-28"),
        ("2025-11-30", "quarter", 2, "2026-05-30"),
        ("2024-02-29", "year", 1, "2025-02-28"),
        ("2024-02-29", "year", 4, "2028-02-29"),
        ("2024-02-29", "year", 76, "2100-02-28"),
        ("2025-12-29", "week", 1, "2026-01-05"),
        ("2025-12-29", "week", -1, "2025-12-22"),
    ],
)
def test_steps_are_counted_from_the_first_day(
    first: str, interval: Interval, count: int, expected: str
) -> None:
    assert add_intervals(date.fromisoformat(first), interval, count) == date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("first", "interval", "day", "expected"),
    [
        ("2026-01-31", "month", "2026-02-27", 0),
        ("2026-01-31", "month", "2026-02-28", 1),
        ("2026-01-31", "month", "2026-03-30", 1),
        ("2026-01-31", "month", "2026-03-31", 2),
        ("2026-01-31", "month", "2026-01-30", -1),
        ("2026-01-31", "quarter", "2026-04-29", 0),
        ("2026-01-31", "quarter", "2026-04-30", 1),
        ("2024-02-29", "year", "2025-02-27", 0),
        ("2024-02-29", "year", "2025-02-28", 1),
        ("2026-01-01", "week", "2026-01-07", 0),
        ("2026-01-01", "week", "2026-01-08", 1),
        ("2026-01-01", "week", "2025-12-31", -1),
    ],
)
def test_whole_intervals_up_to_a_day(first: str, interval: Interval, day: str, expected: int) -> None:
    assert whole_intervals(date.fromisoformat(first), interval, date.fromisoformat(day)) == expected


@given(
    st.dates(date(1990, 1, 1), date(2030, 12, 31)),
    st.sampled_from(["week", "month", "quarter", "year"]),
    st.dates(date(1980, 1, 1), date(2040, 12, 31)),
)
def test_every_day_lies_in_one_interval(first: date, interval: Interval, day: date) -> None:
    count = whole_intervals(first, interval, day)
    assert add_intervals(first, interval, count) <= day < add_intervals(first, interval, count + 1)


@pytest.mark.parametrize(
    ("interval", "day", "expected"),
    [
        ("week", "2026-01-01", "2025-12-29"),
        ("week", "2026-01-05", "2026-01-05"),
        ("month", "2026-02-28", "2026-02-01"),
        ("month", "2026-12-31", "2026-12-01"),
        ("quarter", "2026-03-31", "2026-01-01"),
        ("quarter", "2026-06-30", "2026-04-01"),
        ("quarter", "2026-12-31", "2026-10-01"),
        ("year", "2026-12-31", "2026-01-01"),
    ],
)
def test_calendar_boundaries(interval: Interval, day: str, expected: str) -> None:
    assert calendar_boundary(date.fromisoformat(day), interval) == date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("UTC", "2026-03-01", "2026-03-01T00:00"),
        ("Europe/Paris", "2026-03-29", "2026-03-28T23:00"),
        ("Europe/Paris", "2026-03-30", "2026-03-29T22:00"),
        ("Asia/Kathmandu", "2026-03-01", "2026-02-28T18:15"),
        # Clocks jump from 00:00 to 01:00: the day begins at the jump.
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00"),
        ("Asia/Beirut", "2024-03-31", "2024-03-30T22:00"),
        # From 23:30 to 00:30: the jump lies before midnight, the new day begins at it.
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30"),
        # From 00:00:00 to 00:16:25, as local mean time ended.
        ("Africa/Lagos", "1914-01-01", "1913-12-31T23:46:25"),
        # Midnight twice: the first one.
        ("America/Havana", "2025-11-02", "2025-11-02T04:00"),
        ("America/St_Johns", "2006-10-29", "2006-10-29T02:30"),
        # From 00:00 back to 23:00: midnight comes once, an hour late.
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00"),
        # Days that never were begin where the next one does.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00"),
        ("Pacific/Kwajalein", "1993-08-21", "1993-08-21T12:00"),
        ("Pacific/Kwajalein", "1993-08-22", "1993-08-21T12:00"),
    ],
)
def test_a_day_begins_when_its_clock_first_reaches_midnight(zone: str, day: str, expected: str) -> None:
    midnight = local_midnight(date.fromisoformat(day), zone)
    assert midnight == utc(expected)
    assert midnight.tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "instant", "expected"),
    [
        ("Europe/Paris", "2026-02-28T22:59:59", "2026-02-28"),
        ("Europe/Paris", "2026-02-28T23:00", "2026-03-01"),
        ("Pacific/Apia", "2011-12-30T09:59:59", "2011-12-29"),
        ("Pacific/Apia", "2011-12-30T10:00", "2011-12-31"),
        # 23:01 to 23:59 of the 28th is shown again after the 29th began.
        ("America/St_Johns", "2006-10-29T02:29:59", "2006-10-28"),
        ("America/St_Johns", "2006-10-29T03:00", "2006-10-29"),
        ("America/St_Johns", "2006-10-29T03:30", "2006-10-29"),
    ],
)
def test_the_day_of_an_instant(zone: str, instant: str, expected: str) -> None:
    assert local_date(utc(instant), zone) == date.fromisoformat(expected)


def test_an_instant_needs_an_offset() -> None:
    with pytest.raises(ValueError, match="offset"):
        local_date(datetime(2026, 1, 1), "Europe/Paris")


def test_days_tile_in_every_zone_around_every_clock_change_of_forty_years() -> None:
    """Checked against the clock: it shows an earlier day before midnight, and none earlier from then on."""
    for zone, days in days_near_clock_changes().items():
        for day in days:
            midnight, following = local_midnight(day, zone), local_midnight(day + DAY, zone)
            assert midnight.astimezone(ZoneInfo(zone)).date() >= day, (zone, day)
            assert (midnight - SECOND).astimezone(ZoneInfo(zone)).date() < day, (zone, day)
            assert midnight <= following, (zone, day)
            if midnight < following:
                assert local_date(following - SECOND, zone) == day, (zone, day)


def days_near_clock_changes() -> dict[str, list[date]]:
    """Zone -> the days of each week of 1990 to 2029 over which its offset changes; zones that agree, once."""
    weeks = [utc("1990-01-01T12:00") + timedelta(weeks=n) for n in range(2090)]
    distinct: dict[tuple[timedelta | None, ...], str] = {}
    for zone in sorted(available_timezones()):
        distinct.setdefault(tuple(week.astimezone(ZoneInfo(zone)).utcoffset() for week in weeks), zone)
    return {
        zone: [
            week.date() + timedelta(days=n)
            for week, now, later in zip(weeks, offsets, offsets[1:], strict=False)
            if now != later
            for n in range(9)
        ]
        for offsets, zone in distinct.items()
    }
