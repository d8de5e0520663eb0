"""The forecast at several hours of a day: nearer, and with bands that hold, where an account's days have hours."""

import pytest

from tests.pricing.backtest_hours import CUTS, at_hours

SEEDS = 15


@pytest.mark.parametrize("clock", [9, 21])
@pytest.mark.parametrize("name", ["office hours", "night jobs"])
def test_the_middle_is_nearer_than_by_the_clock_on_the_last_day(name: str, clock: int) -> None:
    found = at_hours(name, clock, seeds=SEEDS * 2, cuts=CUTS[-1:])
    assert found.error < found.clock_error * 0.8, found


@pytest.mark.parametrize("clock", [3, 9, 15])
@pytest.mark.parametrize("name", ["night jobs", "one hour of chance"])
def test_bands_hold_where_by_the_clock_they_do_not(name: str, clock: int) -> None:
    found = at_hours(name, clock, seeds=SEEDS)
    assert found.in80 >= 0.7, found
    assert found.in95 >= 0.88, found
    assert found.in80 > found.clock_in80, found


def test_days_without_hours_of_their_own_lose_nothing() -> None:
    found = at_hours("any hour", 15, seeds=SEEDS)
    assert found.error < found.clock_error * 1.15, found
    assert found.in80 >= 0.7, found
