"""How much of a day has mostly passed: by hand, on days of 23 and 25 hours, and with little to go by."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.hours import Passed, hours_of, passed

D = Decimal
DAY = timedelta(days=1)
MONDAY = date(2026, 3, 2)
PARIS = "Europe/Paris"
NOONS = [0] * 12 + [1] + [0] * 11
"""A day whose cost falls between 12:00 and 13:00."""
MORNINGS = [1] * 6 + [0] * 18


def days(count: int, *hours: list[int], first: date = MONDAY) -> list[tuple[date, list[int]]]:
    return [(first + DAY * number, hours[number % len(hours)]) for number in range(count)]


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def test_a_day_goes_as_the_days_before_it() -> None:
    today = MONDAY + DAY * 7
    for hour, minute, share in (
        (11, 59, "0"),
        (12, 15, "0.25"),
        (12, 45, "0.75"),
        (13, 0, "1"),
        (23, 0, "1"),
    ):
        assert passed(days(7, NOONS), today, at(today, hour, minute), "UTC") == Passed(D(share))


@pytest.mark.parametrize("history", [days(6, NOONS), days(9, NOONS, []), days(40, [0] * 24), []])
def test_too_few_days_pass_evenly(history: list[tuple[date, list[int]]]) -> None:
    today = MONDAY + DAY * 50
    assert passed(history, today, at(today, 6), "UTC") == Passed(D("0.25"))


def test_days_differ_and_that_is_said() -> None:
    # Shares by 6:00: 1, 0, 1, 0, 1, 0, 1, 0: mean 0.5, squares 8 · 0.25 over 7, and an eighth more for the mean's own.
    today = MONDAY + DAY * 8
    found = passed(days(8, MORNINGS, NOONS), today, at(today, 6), "UTC")
    assert found.share == D("0.5")
    assert found.variance == pytest.approx(D("2") / 7 * 9 / 8)


def test_weekdays_have_hours_of_their_own_from_two_weeks_on() -> None:
    week = [MORNINGS] * 5 + [NOONS] * 2
    for today, low, high in ((MONDAY + DAY * 21, "0.9", "1"), (MONDAY + DAY * 26, "0", "0.25")):
        share = passed(days(21, *week), today, at(today, 6), "UTC").share
        assert D(low) <= share <= D(high)
    today = MONDAY + DAY * 12
    assert passed(days(12, *week), today, at(today, 6), "UTC").share == pytest.approx(D(10) / 12)


def test_today_and_later_days_say_nothing() -> None:
    today = MONDAY + DAY * 7
    assert passed(days(30, NOONS), today, at(today, 6), "UTC") == passed(
        days(7, NOONS), today, at(today, 6), "UTC"
    )


@pytest.mark.parametrize(
    ("zone", "day", "count", "length"),
    [
        (PARIS, date(2026, 3, 29), 23, 23),
        (PARIS, date(2026, 10, 25), 25, 25),
        (PARIS, date(2026, 10, 26), 24, 24),
        ("Australia/Lord_Howe", date(2026, 4, 5), 25, 24.5),
        ("Australia/Lord_Howe", date(2026, 10, 4), 24, 23.5),
        ("Africa/Cairo", date(2026, 4, 24), 23, 23),
        ("Pacific/Apia", date(2011, 12, 30), 0, 0),
    ],
)
def test_hours_tile_the_day(zone: str, day: date, count: int, length: float) -> None:
    hours = hours_of(day, zone)
    assert len(hours) == count
    assert sum((hour.end - hour.start for hour in hours), timedelta()) == timedelta(hours=length)
    assert all(one.end == other.start for one, other in pairwise(hours))
    assert all(0 <= hour.clock <= 23 for hour in hours)


def test_the_hour_that_is_left_out_has_no_weight() -> None:
    """29 March in Paris goes from 2:00 to 3:00 at once: of 24 even hours 23 are left."""
    day = date(2026, 3, 29)
    history = days(28, [1] * 24, first=date(2026, 3, 1))
    after_one = datetime(2026, 3, 29, 1, tzinfo=UTC)  # 3:00 there, two hours after midnight
    assert passed(history, day, after_one, PARIS).share == pytest.approx(D(2) / 23)


def test_the_hour_that_comes_twice_counts_twice() -> None:
    day = date(2026, 10, 25)
    nights = [0, 0, 1, 1] + [0] * 20
    history = days(10, nights, first=date(2026, 10, 15))
    found = [
        passed(history, day, datetime(2026, 10, 25, hour, tzinfo=UTC), PARIS).share for hour in (0, 1, 2, 3)
    ]
    assert found == [0, pytest.approx(D(1) / 3), pytest.approx(D(2) / 3), 1]


@given(
    st.lists(st.lists(st.integers(0, 1_000_000), min_size=24, max_size=24), max_size=30),
    st.integers(0, 86_399),
    st.integers(0, 3_600),
)
def test_a_share_is_of_one_and_only_rises(hours: list[list[int]], second: int, more: int) -> None:
    today = MONDAY + DAY * 30
    start = at(today, 0)
    history = days(len(hours), *hours) if hours else []
    one, other = (
        passed(history, today, start + timedelta(seconds=min(each, 86_400)), "UTC")
        for each in (second, second + more)
    )
    assert 0 <= one.share <= 1
    assert 0 <= other.share <= 1
    assert one.variance >= 0
    assert passed(history, today, start, "UTC").share == 0
    assert passed(history, today, start + DAY, "UTC").share == 1
    assert one == passed(history[::-1], today, start + timedelta(seconds=second), "UTC")
