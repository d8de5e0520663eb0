"""The explorer beside the days before: which days those are, and that all figures add up."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.plans.models import Period
from billing.pricing.dates import local_date
from billing.usage.rating import rate_period
from portal.charts import Column, Series, day_bars
from portal.pages.usage_question import Question, presets, question_after, question_before
from tests.portal.world import build, send, sign_in

MONTHS = [
    Period(first_day=date(2026, 9, 1), end_day=date(2026, 10, 1)),
    Period(first_day=date(2026, 10, 1), end_day=date(2026, 11, 1)),
    Period(first_day=date(2026, 11, 1), end_day=date(2026, 12, 1)),
]
TODAY = date(2026, 11, 21)
USAGE = "/billing/usage/"


def asked(first: date, last: date) -> Question:
    return Question(first, last, "", "meter", first.isoformat(), last.isoformat())


class TestRanges:
    @pytest.mark.parametrize(
        ("first", "last", "before"),
        [
            # A period, and the running one as far as it has come.
            (date(2026, 10, 1), date(2026, 10, 31), (date(2026, 9, 1), date(2026, 9, 30))),
            (date(2026, 11, 1), date(2026, 11, 21), (date(2026, 10, 1), date(2026, 10, 21))),
            # Any other range, and the first period, of which there is none before.
            (date(2026, 10, 1), date(2026, 10, 7), (date(2026, 9, 24), date(2026, 9, 30))),
            (date(2026, 9, 1), date(2026, 9, 30), (date(2026, 8, 2), date(2026, 8, 31))),
            (date(2026, 11, 5), date(2026, 11, 5), (date(2026, 11, 4), date(2026, 11, 4))),
        ],
    )
    def test_before(self, first, last, before):
        found = question_before(asked(first, last), MONTHS, TODAY)
        assert (found.first, found.last) == before

    def test_a_long_running_period_is_beside_the_whole_of_a_shorter_one(self):
        months = [
            Period(first_day=date(2026, 2, 1), end_day=date(2026, 3, 1)),
            Period(first_day=date(2026, 3, 1), end_day=date(2026, 4, 1)),
        ]
        found = question_before(asked(date(2026, 3, 1), date(2026, 3, 30)), months, date(2026, 3, 30))
        assert (found.first, found.last) == (date(2026, 2, 1), date(2026, 2, 28))

    def test_after(self):
        found = question_after(asked(date(2026, 9, 1), date(2026, 9, 30)), MONTHS)
        assert (found.first, found.last) == (date(2026, 10, 1), date(2026, 10, 31))
        found = question_after(asked(date(2026, 10, 5), date(2026, 10, 6)), MONTHS)
        assert (found.first, found.last) == (date(2026, 10, 7), date(2026, 10, 8))

    def test_presets(self):
        found = {one.name: (one.first, one.last) for one in presets(asked(TODAY, TODAY), MONTHS, TODAY)}
        assert found == {
            "This period": (date(2026, 11, 1), TODAY),
            "Last period": (date(2026, 10, 1), date(2026, 10, 31)),
            "Last 30 days": (date(2026, 10, 23), TODAY),
            "This year": (date(2026, 1, 1), TODAY),
            "Last year": (date(2025, 1, 1), date(2025, 12, 31)),
        }


def test_outlines_stand_in_the_same_scale():
    series = [Series("a", "A", "s1", (Decimal(5), Decimal(10)))]
    columns = [Column("1"), Column("2")]
    chart = day_bars(series, columns, str, str, [Decimal(20), Decimal(0)], "before")
    (outline,) = chart.ghosts
    heights = [float(bar.height) for bar in chart.bars]
    assert float(outline.height) == pytest.approx(heights[1] * 2, abs=0.1)
    assert float(outline.height) == pytest.approx(heights[0] * 4, abs=0.2)
    assert "before" in [label.text for label in chart.labels]


@pytest.mark.django_db
class TestPage:
    @pytest.fixture
    def world(self, db):
        return build()

    def test_it_is_the_previous_period_priced_and_every_row_adds_up(self, world):
        first, second = world.account.periods.order_by("start")
        owner = sign_in(world.owner)
        query = {"from": first.first_day + timedelta(days=3), "to": first.last_day, "compare": "1"}
        page = owner.get(USAGE, query).context["page"]
        assert page.comparison.total.difference == page.total - page.comparison.total.before
        today = local_date(world.now, "Europe/Paris")
        page = owner.get(USAGE, {"compare": "1"}).context["page"]
        days = (today - second.first_day).days + 1
        found = owner.get(
            USAGE,
            {"from": first.first_day, "to": min(first.last_day, first.first_day + timedelta(days=days - 1))},
        ).context["page"]
        beside = page.comparison
        assert page.total == rate_period(second).usage_total
        assert beside.total.before == found.total > 0
        assert sum(one.before for one in beside.rows) + beside.left == beside.total.before
        groups = sum(one.before for one in beside.groups) + sum(amount for _name, amount in beside.gone)
        assert groups == beside.total.before
        assert beside.span in page.comparison.words

    def test_csv_has_the_columns(self, world):
        text = sign_in(world.owner).get("/billing/usage.csv?compare=1").text
        rows = list(csv.DictReader(io.StringIO(text)))
        assert rows
        for row in rows:
            assert Decimal(row["difference"]) == Decimal(row["total"]) - Decimal(row["before"])

    def test_a_dimension_of_several_meters_offers_each(self, world):
        owner = sign_in(world.owner)
        answer = owner.get(USAGE, {"by": "model", "compare": "1"})
        assert {name for name, _url, _now in answer.context["sharing"]} >= {"Output tokens", "Input tokens"}
        assert answer.context["page"].counted == "output_tokens"
        answer = owner.get(USAGE, {"by": "model", "meter": "input_tokens"})
        assert answer.context["page"].meter_name == "Input tokens"
        assert not answer.context["page"].money

    def test_quantities_stay_quantities_where_nothing_was_before(self, world):
        first = world.account.periods.order_by("start")[0].first_day
        query = {"by": "model", "compare": "1", "from": first, "to": first + timedelta(days=5)}
        page = sign_in(world.owner).get(USAGE, query).context["page"]
        assert not page.money
        assert page.comparison.total.before == 0
        assert page.comparison.total.difference == page.total > 0

    def test_days_lead_to_their_events_and_to_other_days(self, world):
        answer = sign_in(world.owner).get(USAGE)
        assert '<a class="why" href="/billing/usage/events/?from=' in answer.text
        assert 'rel="prev"' in answer.text
        assert 'rel="next"' not in answer.text

    def test_queries_do_not_grow(self, world):
        owner, counts = sign_in(world.owner), []
        for minute in (1, 2):
            with CaptureQueriesContext(connection) as found:
                owner.get(USAGE, {"compare": "1"})
            counts.append(len(found))
            send(world.account, world.now - timedelta(minutes=minute), 60)
        assert counts[1] <= counts[0] <= 30, counts
