"""Periods tile without gap or overlap: all zones × 40 years × intervals × anchors.

A run tries one of `SLICES` slices of them all, another one each day, and every anchor in the zones whose clocks do
what others' do not. `PLAINBILL_TEST_WHOLE=1` tries them all. What is checked says nothing of how it is computed:
where clocks stand as a period begins, that the next begins where it ends, and that every instant is asked back to the
same period.
"""

import calendar
import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo, available_timezones

import pytest

from billing.pricing.periods import (
    Anchor,
    Interval,
    anchor_for,
    local_date,
    local_midnight,
    period_at,
    period_containing,
    periods_between,
)
from tests.effort import SLICE, WHOLE

FIRST, LAST = date(1990, 1, 1), date(2030, 1, 1)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
SLICES = 199
ODD = [
    "Africa/Casablanca",  # back for Ramadan, twice a year more
    "America/Santiago",  # forward over midnight: days without a 00:00
    "America/St_Johns",  # back at 00:01 until 2011: a midnight that comes twice
    "Antarctica/Troll",  # two hours of summer time
    "Asia/Beirut",
    "Asia/Pyongyang",  # half an hour off and on again
    "Australia/Lord_Howe",  # half an hour of summer time
    "Europe/Dublin",  # winter time is the one that is set
    "Pacific/Apia",  # no 30 December 2011
    "Pacific/Chatham",  # 12:45 and 13:45
    "Pacific/Kiritimati",  # no 31 December 1994
    "Pacific/Kwajalein",  # no 21 August 1993
]
"""Zones where the rules of most do not hold; each is tried at every month's end."""
ZONES = sorted(available_timezones())


def rules_of(zone: str) -> str:
    """Zones with the same rules are one zone with several names."""
    try:
        return hashlib.sha256(files("tzdata").joinpath("zoneinfo", *zone.split("/")).read_bytes()).hexdigest()
    except (FileNotFoundError, IsADirectoryError):
        return zone


DISTINCT = list({rules_of(zone): zone for zone in ZONES}.values())


def anchors(zone: str) -> Iterator[Anchor]:
    """Every anchor that leads to other days: 7 weekdays, 31 days of a month, 93 of a quarter, 366 of a year."""
    leap_year = [date(1992, 1, 1) + timedelta(days=n) for n in range(366)]
    chosen: dict[Interval, list[date]] = {
        "week": [FIRST + timedelta(days=n) for n in range(7)],
        "month": leap_year[:31],
        "quarter": [day for day in leap_year if day.month in (1, 3, 5)],
        "year": leap_year,
    }
    return (Anchor(day, interval, zone) for interval, days in chosen.items() for day in days)


def begins(day: date, instant: datetime, zone: ZoneInfo) -> bool:
    """Whether the zone's clock first reaches 00:00 of `day` at `instant`."""
    midnight = datetime(day.year, day.month, day.day)
    before, after = ((at.astimezone(zone)).replace(tzinfo=None) for at in (instant - TICK, instant))
    return before < midnight <= after


def assert_tiles(anchor: Anchor) -> int:
    """Every period of 40 years; how many they were."""
    zone, count = ZoneInfo(anchor.timezone), 0
    period = period_containing(anchor, local_midnight(FIRST, anchor.timezone))
    while period.first_day < LAST:
        following = period_at(anchor, period.number + 1)
        assert period.start < period.end == following.start, (anchor, period)
        assert period.first_day < period.end_day == following.first_day, (anchor, period)
        assert begins(period.first_day, period.start, zone), (anchor, period)
        assert period.days == period.full_days
        if anchor.interval == "week":
            assert period.days == 7
        else:
            ideal = anchor.day.day
            month_end = calendar.monthrange(period.first_day.year, period.first_day.month)[1]
            assert period.first_day.day == min(ideal, month_end), (anchor, period)
        period, count = following, count + 1
    return count


def assert_instants(anchor: Anchor) -> None:
    """Every instant of a period is asked back to it, the first and the last ones above all."""
    period = period_containing(anchor, local_midnight(FIRST, anchor.timezone))
    while period.first_day < LAST:
        for instant in (period.start, period.start + (period.end - period.start) / 3, period.end - TICK):
            assert period_containing(anchor, instant) == period, (anchor, instant)
        period = period_at(anchor, period.number + 1)


def assert_days(zone: str) -> None:
    """Every local day of 40 years begins where the one before ended, and has its own instants."""
    info, day, begin = ZoneInfo(zone), FIRST, local_midnight(FIRST, zone)
    while day < LAST:
        end = local_midnight(day + DAY, zone)
        assert begin <= end, (zone, day)
        if begin < end:
            assert begins(day, begin, info), (zone, day)
            assert (local_date(begin, zone), local_date(end - TICK, zone)) == (day, day), (zone, day)
        day, begin = day + DAY, end


def assert_first_periods(zone: str, numbers: range) -> None:
    """From any instant, with either anchor, the periods cover 14 months from it, the first one cut or not."""
    span = datetime(2030, 1, 1, tzinfo=UTC) - datetime(1990, 1, 1, tzinfo=UTC)
    for number in numbers:
        start = datetime(1990, 1, 1, tzinfo=UTC) + span * (number * 7919 % 10007) / 10007
        for interval in ("week", "month", "quarter", "year"):
            for kind in ("start", "calendar"):
                anchor = anchor_for(start, interval, zone, kind)  # type: ignore[arg-type]
                reached = start
                for period in periods_between(anchor, start, start + timedelta(days=430), start):
                    assert period.start == reached < period.end, (anchor, start, period)
                    assert 0 < period.days <= period.full_days
                    assert kind == "calendar" or period.days == period.full_days
                    reached = period.end
                assert reached >= start + timedelta(days=430)


@pytest.mark.parametrize("zone", ODD)
def test_month_ends_tile_where_clocks_do_what_others_do_not(zone: str) -> None:
    assert_days(zone)
    for day in (date(1992, 1, 1), date(1992, 1, 29), date(1992, 1, 30), date(1992, 1, 31), date(1992, 2, 29)):
        for interval in ("month", "quarter", "year"):
            assert_tiles(Anchor(day, interval, zone))
            assert_instants(Anchor(day, interval, zone))
    assert_first_periods(zone, range(6))


def test_periods_of_the_slice_tile_in_all_zones() -> None:
    every = [anchor for zone in DISTINCT for anchor in anchors(zone)]
    for anchor in every[SLICE % SLICES :: SLICES]:
        assert_tiles(anchor)
    for number, zone in enumerate(DISTINCT):
        assert_first_periods(zone, range(SLICE + number, SLICE + number + 1))


@pytest.mark.skipif(not WHOLE, reason="takes minutes: PLAINBILL_TEST_WHOLE=1")
@pytest.mark.parametrize("part", range(8))
@pytest.mark.timeout(7200)
def test_all_periods_tile_in_all_zones(part: int) -> None:
    """Some twenty million periods, in eight parts for as many processes."""
    periods = 0
    for zone in DISTINCT[part::8]:
        assert_days(zone)
        assert_first_periods(zone, range(40))
        for anchor in anchors(zone):
            periods += assert_tiles(anchor)
            if anchor.day.day in (1, 30, 31):
                assert_instants(anchor)
    print(f"part {part}: {periods:,} periods in {len(DISTINCT[part::8])} zones")
