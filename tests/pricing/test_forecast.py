"""The forecast: figures by hand, robustness, and bands that hold what they say on simulated customers."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.forecast import Band, Forecast, forecast

D = Decimal
DAY = timedelta(days=1)
MONDAY = date(2026, 3, 2)
APRIL = date(2026, 4, 1)
History = list[tuple[date, Decimal]]


def days_from(first: date, *costs: str | int) -> History:
    return [(first + DAY * number, D(cost)) for number, cost in enumerate(costs)]


def ahead(history: History, spent: str, today: date, end_day: date, fraction: str = "0") -> Forecast:
    found = forecast(
        history, spent=D(spent), today=today, today_fraction=D(fraction), end_day=end_day, currency="EUR"
    )
    assert found is not None
    return found


def test_even_days_go_on() -> None:
    found = ahead(days_from(MONDAY, 10, 10, 10), "30", date(2026, 3, 5), date(2026, 3, 9))
    assert (found.low, found.expected, found.high) == (D("70.00"), D("70.00"), D("70.00"))
    assert [band.mid for band in found.bands] == [D(40), D(50), D(60), D(70)]
    assert [band.day.day for band in found.bands] == [5, 6, 7, 8]
    assert not found.confident


def test_only_what_is_left_of_today_is_added() -> None:
    found = ahead(days_from(MONDAY, 10, 10, 10), "37", date(2026, 3, 5), date(2026, 3, 6), "0.75")
    assert found.expected == D("39.50")
    whole = ahead(days_from(MONDAY, 10, 10, 10), "37", date(2026, 3, 5), date(2026, 3, 6), "1")
    assert (whole.low, whole.expected, whole.high) == (D(37), D(37), D(37))


def test_a_fraction_of_a_day_may_be_exact() -> None:
    found = forecast(
        days_from(MONDAY, 9, 9, 9),
        spent=D(30),
        today=date(2026, 3, 5),
        today_fraction=Fraction(1, 3),
        end_day=date(2026, 3, 6),
        currency="JPY",
    )
    assert found is not None
    assert found.expected == D(36)


def test_bands_by_hand() -> None:
    # 8, 10, 12, 10: level 10, variance 8/3 over 3 degrees of freedom, one day ahead: deviation √(10/3) = 1.8257.
    # t80 ≈ 1.281552 + 3.386372/12 = 1.563750; t95 ≈ 1.959964 + 9.489072/12 = 2.750720.
    found = ahead(days_from(MONDAY, 8, 10, 12, 10), "40", date(2026, 3, 6), date(2026, 3, 7))
    assert found.bands == (
        Band(date(2026, 3, 6), D("44.98"), D("47.15"), D("50.00"), D("52.85"), D("55.02")),
    )
    assert (found.low, found.high) == (D("47.15"), D("52.85"))


def test_too_few_days() -> None:
    for history in ([], days_from(MONDAY, 10, 10), days_from(date(2026, 3, 4), 10, 10, 10)):
        assert (
            forecast(
                history,
                spent=D(20),
                today=date(2026, 3, 4),
                today_fraction=D(0),
                end_day=APRIL,
                currency="EUR",
            )
            is None
        )


def test_days_without_usage_count_as_zero_and_a_day_may_come_in_parts() -> None:
    history = [(MONDAY + DAY * 3, D(6)), (MONDAY, D(3)), (MONDAY, D(3)), (MONDAY + DAY * 4, D(1000))]
    assert ahead(history, "12", MONDAY + DAY * 4, MONDAY + DAY * 6).expected == D("18.00")


def test_only_four_weeks_count() -> None:
    history = days_from(MONDAY, *([500] * 8), *([10] * 27))
    assert ahead(history, "0", MONDAY + DAY * 35, MONDAY + DAY * 36).expected == D("10.00")


def test_one_odd_day_does_not_lead() -> None:
    calm = days_from(MONDAY, 9, 11, 10, 9, 11, 10)
    odd = days_from(MONDAY, 9, 11, 900, 9, 11, 10)
    today, end = MONDAY + DAY * 6, MONDAY + DAY * 16
    assert ahead(calm, "60", today, end).expected == D("160.00")
    assert ahead(odd, "950", today, end).expected == D("1051.67")
    assert ahead(odd, "950", today, end).high > 3 * D(950) > ahead(odd, "950", today, end).expected


def test_the_week_has_a_shape_from_two_weeks_on() -> None:
    week = [100, 100, 100, 100, 100, 0, 0]
    today = MONDAY + DAY * 14
    found = ahead(days_from(MONDAY, *week, *week), "0", today, today + DAY * 7)
    # Level 500/7; two weeks of a weekday against one part of the level.
    assert [band.mid for band in found.bands] == [
        D("90.48"), D("180.95"), D("271.43"), D("361.90"), D("452.38"), D("476.19"), D("500.00"),
    ]  # fmt: skip
    flat = ahead(days_from(MONDAY + DAY, *week[1:], *week), "0", today, today + DAY * 2)
    assert flat.bands[0].mid * 2 == flat.bands[1].mid == D("138.46")


def test_an_uneven_number_of_weekdays_by_hand() -> None:
    # Level 1200/16 = 75; Monday, Tuesday (300 + 75)/4, Wednesday to Friday (200 + 75)/3, weekend 75/3; the days
    # then sum up to 12.50 too much, 0.78125 each. Squares 3141.276 over 16 - 1 - 6 = 9 degrees of freedom.
    week = [100, 100, 100, 100, 100, 0, 0]
    today = MONDAY + DAY * 16
    found = ahead(days_from(MONDAY, *week, *week, 100, 100), "0", today, today + DAY)
    assert (found.low, found.expected, found.high) == (D("64.39"), D("90.89"), D("117.38"))


def test_confident_with_two_weeks_and_a_narrow_band() -> None:
    today = MONDAY + DAY * 14
    assert ahead(days_from(MONDAY, *[10] * 14), "140", today, APRIL).confident
    assert not ahead(days_from(MONDAY + DAY, *[10] * 13), "130", today, APRIL).confident
    assert not ahead(days_from(MONDAY, *[0, 0, 0, 40] * 3, 0, 40), "160", today, APRIL).confident
    assert ahead(days_from(MONDAY, *[0] * 14), "0", today, APRIL).confident


def test_credits_of_days_never_forecast_below_what_is_spent() -> None:
    found = ahead(days_from(MONDAY, -10, -10, -10), "5", MONDAY + DAY * 3, MONDAY + DAY * 5)
    assert (found.low, found.expected) == (D("5.00"), D("5.00"))


def test_weekdays_of_credits_cost_nothing() -> None:
    week = [100, 100, 100, 100, 100, -50, -50]
    today = MONDAY + DAY * 14
    mids = [band.mid for band in ahead(days_from(MONDAY, *week, *week), "0", today, today + DAY * 7).bands]
    assert mids[3] < mids[4] == mids[5] == mids[6]


def test_today_and_later_days_are_ignored() -> None:
    history, today = days_from(MONDAY, 10, 10, 10), MONDAY + DAY * 3
    found = ahead([*history, *days_from(today, 500, 500)], "30", today, today + DAY)
    assert found == ahead(history, "30", today, today + DAY)


def test_costs_beyond_the_default_28_digits_go_on() -> None:
    cost = f"{'9' * 38}.01"
    found = ahead(days_from(MONDAY, cost, cost, cost), "0", MONDAY + DAY * 3, MONDAY + DAY * 4)
    assert found.low == found.expected == D(cost)


def test_the_day_a_limit_is_reached() -> None:
    found = ahead(days_from(MONDAY, 10, 10, 10), "30", date(2026, 3, 5), date(2026, 3, 9))
    assert found.crossing_date(D(50)) == date(2026, 3, 6)
    assert found.crossing_date(D("50.01")) == date(2026, 3, 7)
    assert found.crossing_date(D(20)) == date(2026, 3, 5)
    assert found.crossing_date(D("70.01")) is None


@pytest.mark.parametrize(("today", "fraction"), [(APRIL, "0"), (MONDAY, "-0.1"), (MONDAY, "1.1")])
def test_impossible_days_are_refused(today: date, fraction: str) -> None:
    with pytest.raises(ValueError, match="cannot forecast"):
        forecast([], spent=D(0), today=today, today_fraction=D(fraction), end_day=APRIL, currency="EUR")


@given(
    st.lists(st.decimals(-50, 10_000, places=4), min_size=3, max_size=60),
    st.decimals(0, 100_000, places=4),
    st.decimals(0, 1, places=3),
    st.integers(1, 40),
)
def test_bands_are_ordered_and_never_below_what_is_spent(
    costs: list[Decimal], spent: Decimal, fraction: Decimal, left: int
) -> None:
    history = [(MONDAY + DAY * number, cost) for number, cost in enumerate(costs)]
    today = MONDAY + DAY * len(costs)
    found = ahead(history, str(spent), today, today + DAY * left, str(fraction))
    assert len(found.bands) == left
    previous = found.bands[0]
    for band in found.bands:
        assert spent.quantize(D("0.01")) - D("0.01") <= band.low95 <= band.low80 <= band.mid
        assert band.mid <= band.high80 <= band.high95
        assert previous.mid <= band.mid
        previous = band
    assert (found.low, found.expected, found.high) == (previous.low80, previous.mid, previous.high80)
    assert found == ahead(history[::-1], str(spent), today, today + DAY * left, str(fraction))


def test_the_bands_hold_what_they_say() -> None:
    """400 simulated customers with a weekly shape: the truth lies in the 80 % band about 80 times of 100."""
    random, inside80, inside95 = Random(7), 0, 0
    for _ in range(400):
        shape = [random.uniform(60, 140) for _ in range(5)] + [random.uniform(10, 60) for _ in range(2)]
        noise = random.uniform(3, 25)
        costs = [D(str(round(max(0, random.gauss(shape[day % 7], noise)), 2))) for day in range(42)]
        found = ahead(
            days_from(MONDAY, *[str(cost) for cost in costs[:28]]), "0", MONDAY + DAY * 28, MONDAY + DAY * 42
        )
        truth, last = sum(costs[28:]), found.bands[-1]
        inside80 += last.low80 <= truth <= last.high80
        inside95 += last.low95 <= truth <= last.high95
    assert 0.75 <= inside80 / 400 <= 0.92
    assert inside95 / 400 >= 0.93
