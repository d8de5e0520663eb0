from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.charts import Column, ForecastPoint, Limit, day_bars, fold, gauge, running_total, spark
from portal.charts.marks import ticks

DAYS = [date(2026, 11, 1) + timedelta(days=at) for at in range(30)]


def euros(value):
    return f"€{value:f}"


def total(values, until, **more):
    series = fold([("a", "A", values)], "Other")
    return running_total(
        series, DAYS, until, axis=euros, exact=euros, day=lambda day: f"{day.day} Nov", **more
    )


def test_more_than_five_series_become_five_and_other():
    rows = [(str(at), f"meter {at}", [Decimal(at), Decimal(1)]) for at in range(8)]
    found = fold(rows, "Other")
    assert [one.css for one in found] == ["s1", "s2", "s3", "s4", "s5", "so"]
    assert [one.code for one in found] == ["3", "4", "5", "6", "7", ""]
    assert found[-1].values == (Decimal(3), Decimal(3))
    assert sum(one.total for one in found) == sum(sum(row[2]) for row in rows)


@given(st.decimals(min_value="0.000001", max_value="1e12", places=12), st.integers(1, 5))
def test_gridlines_start_at_zero_and_are_few(top, most):
    found = ticks(top, most)
    assert found[0] == 0
    assert len(found) <= most + 1
    assert found[-1] <= top


def test_nothing_used_draws_a_zero_line_and_no_bar():
    chart = total([Decimal(0)] * 3, 2.5)
    assert chart.bars == ()
    assert chart.partial is None
    assert [line.css for line in chart.grid].count("g0") == 2
    assert chart.curve.startswith("M0.000 246.0")


def test_one_day_is_drawn_from_the_start_to_now():
    chart = total([Decimal("2.50")], 0.25)
    assert chart.curve == "M0.000 246.0 L0.250 26.0"
    assert (chart.now.x, chart.now.y) == ("0.83%", "26.0")
    assert chart.partial is not None
    assert any(label.text == "€2.50" for label in chart.labels)


def test_a_whole_period_has_no_now_and_no_hatching():
    chart = total([Decimal(1)] * 30, 30.0)
    assert chart.now is None
    assert chart.partial is None
    assert len(chart.bars) == 30
    assert chart.curve.endswith("L30.000 26.0")


def test_bars_fill_three_quarters_of_a_day_and_stand_on_the_zero_line():
    chart = total([Decimal(4), Decimal(2)], 2.0)
    first, second = chart.bars
    assert (first.x, first.width) == ("0.40%", "2.53%")
    assert second.x == "3.73%"
    assert float(first.y) + float(first.height) == pytest.approx(420, abs=0.2)
    assert float(first.height) == pytest.approx(2 * float(second.height), abs=0.2)


def test_the_forecast_is_a_band_that_meets_the_limit():
    points = [
        ForecastPoint(10.0, *[Decimal(100)] * 5),
        ForecastPoint(30.0, Decimal(200), Decimal(220), Decimal(300), Decimal(380), Decimal(400)),
    ]
    chart = total(
        [Decimal(10)] * 10,
        10.0,
        forecast=points,
        limit=Limit(Decimal(200), "Limit", "stops", (20.0, "20 Nov")),
    )
    assert chart.band95.startswith("M10.000")
    assert chart.band95.endswith("Z")
    assert chart.expected.count("L") == 1
    assert chart.dots[0].x == "66.67%"
    assert chart.dots[0].y == chart.limit_y
    assert any(label.text == "20 Nov" for label in chart.labels)


def test_a_limit_far_above_is_named_and_not_drawn():
    chart = total([Decimal(10)], 1.0, limit=Limit(Decimal(5000), "Limit €5,000.00", "stops"))
    assert chart.limit_y == ""
    assert chart.limit_text == "Limit €5,000.00"


def test_usage_that_fell_below_zero_draws_no_bar():
    assert total([Decimal("-3"), Decimal(5)], 2.0).bars[0].x == "3.73%"


@pytest.mark.parametrize("count", [1, 2, 19, 31, 92])
def test_the_explorer_labels_as_many_columns_as_fit(count):
    series = fold([("a", "A", [Decimal(at + 1) for at in range(count)])], "Other")
    chart = day_bars(series, [Column(str(at + 1), "Mon") for at in range(count)], euros, euros)
    below = [label for label in chart.labels if label.y == "312"]
    assert 1 <= len(below) <= 31
    assert len(chart.bars) == count
    assert [label.text for label in chart.labels if "lab" in label.css] == [f"€{count}"]


def test_the_gauge_names_its_ticks_and_stops_at_its_end():
    found = gauge(
        Decimal("412.80"),
        Decimal(500),
        [(50, "€250", "told"), (80, "€400", ""), (100, "€500", "")],
        ("€500", "here"),
        False,
    )
    assert (found.used, found.left) == ("82.56%", "17.44%")
    assert [(tick.x, tick.text, tick.at_limit) for tick in found.ticks] == [
        ("50.00%", "€250", False),
        ("80.00%", "€400", False),
        ("100%", "€500", True),
    ]


def test_ticks_that_would_touch_lose_their_words_and_keep_their_mark():
    found = gauge(Decimal(1), Decimal(100), [(90, "€90", ""), (95, "€95", "")], ("€100", ""), False)
    assert [tick.text for tick in found.ticks] == ["", "", "€100"]


def test_a_gauge_above_its_limit_is_full():
    found = gauge(Decimal(700), Decimal(500), [], ("€500", ""), True)
    assert (found.used, found.left, found.stopped) == ("100.00%", "0.00%", True)
    assert gauge(Decimal(0), Decimal(0), [], ("€0", ""), True).used == "100.00%"


def test_sparks_leave_empty_days_out():
    found = spark([Decimal(0), Decimal(5), Decimal(10)], "s1")
    assert [(bar.x, bar.height) for bar in found.bars] == [("5", "11.5"), ("10", "23.0")]
    assert found.width == "15"
    assert spark([], "s1").bars == ()
