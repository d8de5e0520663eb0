"""The simulator: nothing moved is what was invoiced, to the cent; what is moved is priced by the same rules."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.invoices.actions import bill_account
from billing.invoices.models import InvoiceLine
from billing.limits.actions import set_limit
from billing.plans.actions import Actor, subscribe
from billing.plans.models import Period, Plan, PlanVersion
from billing.pricing.money import exact
from billing.usage.simulation import Moved, simulate
from tests.factories import make_account, make_member
from tests.portal.world import build, send, sign_in
from tests.usage.given import NOW

pytestmark = pytest.mark.django_db
URL = "/billing/simulate/"


@pytest.fixture
def world(db):
    return build()


def ended(world) -> Period:
    return Period.objects.filter(account=world.account).exclude(closed_at=None).latest("start")


def invoiced(period: Period) -> Decimal:
    return InvoiceLine.objects.filter(period=period).aggregate(sum=Sum("amount"))["sum"]


def page(world, **query):
    answer = sign_in(world.owner).get(URL, query)
    assert answer.status_code == 200
    return answer.context["page"]


class TestNothingMoved:
    def test_it_is_what_was_invoiced_to_the_cent(self, world):
        found, period = page(world), ended(world)
        (row,) = found.rows
        assert row.total == row.real == invoiced(period) > 49
        assert found.agrees
        text = sign_in(world.owner).get(URL).text
        assert "Nothing is moved: each period is what you were invoiced, to the cent." in text

    def test_over_several_periods_with_a_waiver_in_one(self, db):
        from billing.usage.models import Event

        account = make_account("long")
        plan = build().account and Plan.objects.get(code="team")
        subscribe(account, plan, start=NOW - timedelta(days=100), actor=Actor.INSTALLATION)
        bill_account(account, NOW - timedelta(days=95))
        set_limit(account, Decimal(10), "stop")
        for day in range(1, 95, 3):
            send(account, NOW - timedelta(days=day), 2, tokens=1_500_000)
        bill_account(account, NOW)
        assert Event.objects.filter(account=account).exists()
        owner = sign_in(make_member(account))
        found = owner.get(URL, {"months": "12"}).context["page"]
        assert len(found.rows) == 3
        assert found.agrees
        for row, period in zip(
            found.rows, Period.objects.filter(account=account).order_by("start"), strict=False
        ):
            assert row.real == invoiced(period)
            assert row.total == row.real - row.waived

    def test_late_usage_is_in_its_own_period(self, world):
        send(world.account, world.now - timedelta(days=20), 1, tokens=3_000_000)
        found = page(world)
        assert not found.agrees
        assert "usage that came late" in sign_in(world.owner).get(URL).text


class TestMoved:
    def test_twice_the_usage_is_twice_the_quantity(self, world):
        period, version = ended(world), PlanVersion.objects.get(plan__code="scale")
        plain = simulate(world.account, version, period.start, period.end)
        twice = simulate(
            world.account, version, period.start, period.end, Moved({"output_tokens": Decimal(2)})
        )
        before, after = ({one.charge: one for one in each.periods[0].usage} for each in (plain, twice))
        assert after["output_tokens"].quantity == 2 * before["output_tokens"].quantity
        row = page(world, plan="scale", **{"use.output_tokens": "200"}).rows[0]
        assert row.usage == twice.periods[0].usage_total
        assert page(world, **{"use.output_tokens": "0", "use.input_tokens": "0"}).rows[0].usage == 0

    def test_a_stop_refuses_what_is_above_and_says_the_day(self, world):
        free = page(world)
        limit = (free.rows[0].usage / 2).quantize(Decimal("0.01"))
        found = page(world, limit=str(limit), action="stop")
        (row,) = found.rows
        assert row.refused == limit - free.rows[0].usage < 0
        assert row.total == free.rows[0].total + row.refused
        period = ended(world)
        days = [period.first_day + timedelta(days=n) for n in range((period.end_day - period.first_day).days)]
        version = PlanVersion.objects.get(plan__code="team")
        at = days.index(row.reached)
        for day, over in ((days[at - 1], False), (row.reached, True)):
            from billing.usage.days import day_bounds

            upto = simulate(world.account, version, period.start, day_bounds(period.timezone, day)[1])
            with exact():
                assert (sum(one.usage_total for one in upto.periods) >= limit) is over

    def test_telling_refuses_nothing(self, world):
        free = page(world)
        (row,) = page(world, limit="1", action="notify").rows
        assert row.total == free.rows[0].total
        assert row.refused == 0
        assert row.reached is not None
        assert page(world, limit="100000").rows[0].reached is None

    def test_another_plan_is_its_own_simulation(self, world):
        period, version = ended(world), PlanVersion.objects.get(plan__code="solo")
        found = page(world, plan="solo")
        assert found.rows[0].total == simulate(world.account, version, period.start, period.end).total
        assert not found.unmoved
        assert found.plan_name == "Solo"
        assert page(world, plan="no-such").plan_name == "Team"
        assert page(world, plan="solo-usd").plan_name == "Team"


class TestForm:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("use.output_tokens", "301"),
            ("use.output_tokens", "-1"),
            ("use.output_tokens", "1.5"),
            ("use.output_tokens", "²"),
            ("limit", "five"),
            ("limit", "-1"),
            ("limit", "\0"),
            ("months", "13"),
            ("months", "0"),
        ],
    )
    def test_what_is_wrong_is_named_and_stays_as_typed(self, world, name, value):
        answer = sign_in(world.owner).get(URL, {name: value})
        assert answer.status_code == 200
        if value != "\0":
            assert f'href="#{name}"' in answer.text
        if value == "five":
            assert 'value="five"' in answer.text

    def test_it_is_a_url_and_works_without_scripts(self, world):
        text = sign_in(world.owner).get(URL, {"use.output_tokens": "150", "limit": "1,000.00"}).text
        assert 'name="use.output_tokens" min="0" max="300" step="1" inputmode="numeric" value="150"' in text
        assert 'value="1,000.00"' in text
        assert '<form id="simulation" class="grid mt8" action="/billing/simulate/" method="get"' in text
        assert 'type="range"' in text
        assert " hidden>" in text

    def test_without_an_ended_period_it_says_so(self, db):
        account = make_account("fresh")
        answer = sign_in(make_member(account)).get(URL)
        assert "There is nothing to simulate with yet" in answer.text

    def test_it_is_linked_from_plan_and_limits(self, world):
        owner = sign_in(world.owner)
        for name in ("plan", "limits"):
            assert f'href="{URL}"' in owner.get(reverse(f"portal:{name}")).text

    def test_queries_stay_the_same(self, world):
        owner, counts = sign_in(world.owner), []
        for minute in (1, 2):
            with CaptureQueriesContext(connection) as found:
                owner.get(URL, {"limit": "5"})
            counts.append(len(found))
            send(world.account, ended(world).end - timedelta(minutes=minute), 60)
        assert counts[1] <= counts[0] <= 25, counts
