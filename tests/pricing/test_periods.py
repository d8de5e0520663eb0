"""Service periods: they tile for every zone, interval and anchor, and say the days that prorate prices."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.periods import (
    Anchor,
    Interval,
    Period,
    anchor_for,
    close_at,
    close_before,
    continue_in_zone,
    day_in,
    local_midnight,
    period_at,
    period_containing,
    period_dates,
    periods_between,
)

INTERVALS: list[Interval] = ["week", "month", "quarter", "year"]
ZONES = sorted(available_timezones())
TICK = timedelta(microseconds=1)

intervals = st.sampled_from(INTERVALS)
zones = st.sampled_from(ZONES)
days = st.dates(date(1990, 1, 1), date(2030, 12, 31))
anchors = st.builds(Anchor, days, intervals, zones)
instants = st.datetimes(datetime(1990, 1, 2), datetime(2030, 12, 30), timezones=st.just(UTC))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(period: Period) -> float:
    return (period.end - period.start).total_seconds() / 3600


def test_monthly_from_the_31st() -> None:
    anchor = Anchor(date(2026, 1, 31), "month", "Europe/Paris")
    assert [period_dates(anchor, n)[0].isoformat() for n in range(6)] == [
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
        "2026-05-31",
        "2026-06-30",
    ]
    february = period_at(anchor, 1)
    assert (february.start, february.end) == (utc("2026-02-27T23:00"), utc("2026-03-30T22:00"))
    assert (february.days, february.full_days, february.last_day) == (31, 31, date(2026, 3, 30))


def test_yearly_from_29_february() -> None:
    anchor = Anchor(date(2024, 2, 29), "year", "UTC")
    assert [period_dates(anchor, n)[0].isoformat() for n in range(5)] == [
        "2024-02-29",
        "2025-02-28",
        "2026-02-28",
        "2027-02-28",
        "2028-02-29",
    ]


def test_months_with_a_clock_change_are_an_hour_shorter_or_longer() -> None:
    anchor = Anchor(date(2026, 1, 1), "month", "Europe/Paris")
    assert hours(period_at(anchor, 2)) == 743
    assert hours(period_at(anchor, 9)) == 745
    assert (period_at(anchor, 2).days, period_at(anchor, 9).days) == (31, 31)


def test_a_start_inside_a_day_uses_that_day() -> None:
    start = utc("2026-03-10T15:30")
    period = period_containing(anchor_for(start, "month", "America/New_York"), start, start)
    assert (period.start, period.end) == (start, utc("2026-04-10T04:00"))
    assert period.full_start == utc("2026-03-10T04:00")
    assert (period.days, period.full_days) == (31, 31)


@pytest.mark.parametrize(
    ("interval", "first_day", "end_day", "used", "full"),
    [
        ("week", "2026-02-09", "2026-02-16", 4, 7),
        ("month", "2026-02-01", "2026-03-01", 17, 28),
        ("quarter", "2026-01-01", "2026-04-01", 48, 90),
        ("year", "2026-01-01", "2027-01-01", 323, 365),
    ],
)
def test_a_calendar_anchor_cuts_the_first_period(
    interval: Interval, first_day: str, end_day: str, used: int, full: int
) -> None:
    start = utc("2026-02-12T10:00")
    anchor = anchor_for(start, interval, "Europe/Paris", "calendar")
    period = period_at(anchor, 0, start)
    assert anchor.day == date.fromisoformat(first_day)
    assert (period.start, period.first_day) == (start, date(2026, 2, 12))
    assert period.end_day == date.fromisoformat(end_day)
    assert period.end == period.full_end == local_midnight(period.end_day, "Europe/Paris")
    assert period.full_start == local_midnight(anchor.day, "Europe/Paris")
    assert (period.days, period.full_days) == (used, full)
    following = period_at(anchor, 1, start)
    assert (following.start, following.days) == (period.end, following.full_days)


def test_a_start_on_the_boundary_is_a_full_first_period() -> None:
    start = utc("2026-01-31T23:00")
    period = period_at(anchor_for(start, "month", "Europe/Paris", "calendar"), 0, start)
    assert (period.start, period.days, period.full_days) == (start, 28, 28)


def test_a_start_where_the_full_period_begins_cuts_nothing() -> None:
    week = period_at(Anchor(date(2011, 12, 23), "week", "Pacific/Apia"), 1)
    assert week.first_day == date(2011, 12, 30), "the day that never was is the week's first"
    assert period_at(Anchor(date(2011, 12, 23), "week", "Pacific/Apia"), 1, week.start) == week


def test_instants_are_in_utc_wherever_they_come_from() -> None:
    anchor, paris = Anchor(date(2026, 3, 1), "month", "Europe/Paris"), ZoneInfo("Europe/Paris")
    noon, midnight = datetime(2026, 3, 10, 12, tzinfo=paris), datetime(2026, 4, 1, tzinfo=paris)
    cut, moved = period_at(anchor, 0, noon), continue_in_zone(anchor, 1, midnight)
    assert {cut.start.tzinfo, cut.end.tzinfo, moved.start.tzinfo, moved.full_start.tzinfo} == {UTC}
    assert close_at(cut, noon).end.tzinfo is UTC


def test_no_period_before_the_start() -> None:
    anchor, start = Anchor(date(2026, 1, 1), "month", "UTC"), utc("2026-02-01T00:00")
    with pytest.raises(ValueError, match="before the start"):
        period_at(anchor, 0, start)
    with pytest.raises(ValueError, match="before the start"):
        period_containing(anchor, start - TICK, start)


def test_a_day_that_never_was_leaves_no_gap() -> None:
    anchor = Anchor(date(2011, 12, 23), "week", "Pacific/Apia")
    first, second = period_at(anchor, 0), period_at(anchor, 1)
    assert first.end == second.start == utc("2011-12-30T10:00")
    assert (hours(second), second.days, second.full_days) == (144, 7, 7)
    assert period_containing(anchor, second.start) == second


def test_periods_between() -> None:
    anchor, start = Anchor(date(2026, 1, 31), "month", "Europe/Paris"), utc("2026-02-10T12:00")
    found = list(periods_between(anchor, utc("2026-01-01T00:00"), utc("2026-04-01T00:00"), start))
    assert [p.number for p in found] == [0, 1, 2]
    assert found[0].start == start
    assert [p.number for p in periods_between(anchor, found[1].start, found[1].end)] == [1]
    assert [p.number for p in periods_between(anchor, found[1].start, found[2].end, start)] == [1, 2]
    assert list(periods_between(anchor, start, start)) == []


def test_a_new_time_zone_holds_from_the_next_period_without_gap() -> None:
    paris = period_at(Anchor(date(2026, 1, 31), "month", "Europe/Paris"), 0)
    anchor = Anchor(date(2026, 1, 31), "month", "America/New_York")
    period = continue_in_zone(anchor, 1, paris.end)
    assert (period.start, period.end) == (paris.end, utc("2026-03-31T04:00"))
    assert (period.full_start, period.full_end) == (period.start, period.end)
    assert (period.days, period.full_days) == (31, 31)
    assert period_at(anchor, 2).start == period.end
    # Still the 27th in New York as the period begins; those hours belong to its first day.
    assert day_in(period, paris.end) == date(2026, 2, 28)
    assert day_in(period, utc("2026-03-31T03:59")) == date(2026, 3, 30)


def test_the_last_instants_of_a_period_are_its_last_day() -> None:
    period = period_at(Anchor(date(2026, 1, 1), "month", "UTC"), 0)
    assert day_in(period, period.end) == date(2026, 1, 31)


def test_cancelling_now_uses_the_day() -> None:
    period = period_at(Anchor(date(2026, 3, 1), "month", "Europe/Paris"), 0)
    closed = close_at(period, utc("2026-03-10T22:59"))
    assert (closed.end, closed.end_day, closed.days) == (utc("2026-03-10T22:59"), date(2026, 3, 11), 10)
    assert (closed.full_end, closed.full_days) == (period.end, 31)
    assert close_at(period, utc("2026-03-10T23:00")).days == 11
    assert close_at(period, period.start).days == 1
    assert close_at(period, period.end) == period
    for outside in (period.start - TICK, period.end + TICK):
        with pytest.raises(ValueError, match="not inside"):
            close_at(period, outside)


def test_a_change_of_interval_ends_the_period_as_the_day_begins() -> None:
    period = period_at(Anchor(date(2026, 3, 1), "month", "Europe/Paris"), 0)
    closed = close_before(period, date(2026, 3, 30))
    assert (closed.end, closed.days) == (utc("2026-03-29T22:00"), 29)
    new = period_at(Anchor(date(2026, 3, 30), "year", "Europe/Paris"), 0, closed.end)
    assert (new.start, new.days, new.full_days) == (closed.end, 365, 365)
    for outside in (date(2026, 2, 28), date(2026, 4, 1)):
        with pytest.raises(ValueError, match="not a day"):
            close_before(period, outside)


def test_a_change_of_interval_on_the_day_of_start_takes_over_the_start() -> None:
    start = utc("2026-03-10T15:00")
    period = period_at(Anchor(date(2026, 3, 10), "month", "UTC"), 0, start)
    closed = close_before(period, date(2026, 3, 10))
    assert (closed.start, closed.end, closed.days) == (start, start, 0)
    new = period_at(Anchor(date(2026, 3, 10), "week", "UTC"), 0, closed.end)
    assert (new.start, new.days) == (start, 7)


def test_periods_tile_in_every_zone() -> None:
    for place, zone in enumerate(ZONES):
        interval = INTERVALS[place % 4]
        anchor = Anchor(date(1990, 1 + place % 12, 28) + timedelta(days=place % 4), interval, zone)
        count = {"week": 260, "month": 480, "quarter": 160, "year": 40}[interval]
        for period, following in pairwise([period_at(anchor, n) for n in range(count)]):
            assert period.start < period.end == following.start, (anchor, period)
            assert period.end_day == following.first_day


@given(anchors, st.integers(-60, 480))
def test_period_n_ends_where_the_next_begins_and_holds_its_instants(anchor: Anchor, n: int) -> None:
    period, following = period_at(anchor, n), period_at(anchor, n + 1)
    assert period.end == following.start
    assert period.end_day == following.first_day
    assert period.days == period.full_days
    for instant in (period.start, period.start + (period.end - period.start) / 2, period.end - TICK):
        assert period_containing(anchor, instant) == period
        assert period.first_day <= day_in(period, instant) < period.end_day


@given(instants, intervals, zones, st.sampled_from(["start", "calendar"]), st.integers(1, 2000))
def test_a_subscription_is_covered_from_its_first_instant(
    start: datetime, interval: Interval, zone: str, kind: str, length: int
) -> None:
    anchor = anchor_for(start, interval, zone, "calendar" if kind == "calendar" else "start")
    found = list(periods_between(anchor, start, start + timedelta(days=length), start))
    assert (found[0].number, found[0].start) == (0, start)
    assert found[-1].end >= start + timedelta(days=length) > found[-1].start
    assert all(a.end == b.start and b.number == a.number + 1 for a, b in pairwise(found))
    assert all(p.days == p.full_days for p in found[1:])
    assert 0 < found[0].days <= found[0].full_days
    assert kind == "calendar" or found[0].days == found[0].full_days


@given(anchors, zones, st.integers(0, 40))
def test_periods_tile_over_a_change_of_time_zone(anchor: Anchor, zone: str, n: int) -> None:
    moved = Anchor(anchor.day, anchor.interval, zone)
    period = continue_in_zone(moved, n + 1, period_at(anchor, n).end)
    assert period_at(anchor, n).end == period.start < period.end == period_at(moved, n + 2).start
    assert period.days == period.full_days


@given(anchors, st.integers(0, 40), st.floats(0, 1))
def test_closing_leaves_no_day_twice_or_out(anchor: Anchor, n: int, part: float) -> None:
    period = period_at(anchor, n)
    instant = period.start + (period.end - period.start) * part
    day = day_in(period, instant)
    closed = close_before(period, day)
    new = period_at(Anchor(day, "month", anchor.timezone), 0, closed.end)
    assert closed.end == new.start
    assert closed.days + (period.end_day - new.first_day).days == period.days
    assert period.start <= close_at(period, instant).end <= period.end
    assert 1 <= close_at(period, instant).days <= period.days
