"""The plan page: the account's own usage on each plan, and what a plan does not include."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from billing.plans.actions import Actor, load_catalog, subscribe
from billing.plans.models import Period, Plan, PlanVersion
from billing.plans.queries import public_plans, version_at
from billing.usage.simulation import simulate
from portal.pages.comparison import compare_plans
from portal.pages.periods import period_name
from portal.pages.plan import plan_page
from tests.factories import make_account
from tests.portal.world import build, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return build()


def test_the_plan_page_compares_the_last_whole_period_and_names_what_a_plan_lacks(world):
    page = compared_page(world)
    last = Period.objects.filter(account=world.account).exclude(closed_at=None).latest("start")
    found = {row.code: row for row in page.rows}
    assert page.span == period_name(last.first_day, last.end_day)
    for row in page.rows:
        version = PlanVersion.objects.filter(plan__code=row.code).latest("number")
        simulated = simulate(world.account, version, last.start, last.end)
        assert (row.total, row.total) == (simulated.total, row.base + row.usage + row.minimum)
        assert row.difference == (None if row.mine else row.total - page.mine.total)
    assert page.mine.code == "team"
    assert not any(row.lacking for row in page.rows)

    load_catalog(
        {
            "catalog": 1,
            "plans": [
                {"code": "bare", "name": "Bare", "currency": "EUR", "interval": "month", "charges": []},
                {"code": "dollar", "name": "Dollar", "currency": "USD", "interval": "month", "charges": []},
            ],
        }
    )
    with_bare = compared_page(world)
    bare = next(row for row in with_bare.rows if row.code == "bare")
    assert bare.total == 0
    assert not bare.lowest
    assert bare.lacking[0].startswith("does not include ")
    assert with_bare.lowest.code == page.lowest.code
    assert "dollar" not in {row.code for row in with_bare.rows}
    assert found.keys() == {row.code for row in with_bare.rows} - {"bare"}
    text = sign_in(world.owner).get(reverse("portal:plan")).text
    assert bare.lacking[0] in text


def test_the_plan_page_compares_the_running_period_while_there_is_no_other(world):
    account = make_account("newcomer")
    assert compare_plans(account, public_plans("EUR"), None, world.now) is None
    start = world.now - timedelta(days=3)
    subscription = subscribe(account, Plan.objects.get(code="team"), start=start, actor=Actor.INSTALLATION)
    version = version_at(subscription, world.now)
    page = compare_plans(account, public_plans("EUR"), version, world.now)
    assert page.running
    assert page.mine.base < version.base_price


def compared_page(world):
    found = plan_page(world.account, timezone.now()).compared
    assert found is not None
    return found
