"""The published bad plan definitions, each as the catalogue file or the action that it stands for."""

import json
from pathlib import Path
from typing import Any

import pytest
import time_machine

from billing.plans.actions import Actor, confirm_change, load_catalog, subscribe
from billing.plans.errors import PeriodInvoiced
from billing.plans.models import Meter, PendingLine, Phase, Plan, PlanVersion, TaxRate
from billing.pricing.parse import CatalogError
from tests.factories import make_account
from tests.plans.selling import CHARGE, TAX, catalog, plan, sell, the_plan, utc

pytestmark = pytest.mark.usefixtures("db")

TIERS = {
    "plan-009": [],
    "plan-011": [{"up_to": 100, "unit_price": "1"}, {"up_to": 100, "unit_price": "1"}],
    "plan-013": [{"up_to": None, "unit_price": "1"}, {"up_to": 100, "unit_price": "1"}],
    "plan-015": [{"up_to": None, "unit_price": "1"}] * 10_001,
}


def charge(**fields: Any) -> list[dict[str, Any]]:
    return [{"meter": "output_tokens", "model": "per_unit", "unit_price": "1", **fields}]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "plan-001": (catalog(plan("bad", "-1")), "plans[0].base_price"),
    "plan-003": (catalog(plan("bad", "1e999")), "plans[0].base_price"),
    "plan-005": (catalog(plan("bad", "1", currency="XXX")), "plans[0].currency"),
    "plan-007": (catalog(plan("bad", "1", currency="EURO")), "plans[0].currency"),
    "plan-017": (catalog(plan("bad", "1", interval="P0M")), "plans[0].interval"),
    "plan-021": (catalog(plan("bad", "1", trial_days=1_000_000_000)), "plans[0].trial_days"),
    "plan-023": (catalog(plan("bad", "1", charges=charge(meter="of_another"))), "plans[0].charges[0].meter"),
    "plan-025": (catalog(plan("bad", "1"), taxes=[{**TAX, "rate": "-1"}]), "taxes[0].rate"),
    "plan-027": (
        catalog(plan("bad", "1", charges=charge(minimum_amount="100", maximum_amount="10"))),
        "plans[0].charges[0].minimum_amount",
    ),
    "plan-031": (catalog(plan("bad", "1", name="")), "plans[0].name"),
    "plan-033": (catalog(plan("bad", "1", name="a\u202ecod.exe")), "plans[0].name"),
    "plan-035": (catalog(plan("bad", "1", id="3f0c")), "plans[0].id"),
    **{
        name: (catalog(plan("bad", "1", charges=[{**CHARGE, "tiers": tiers}])), "plans[0].charges[0].tiers")
        for name, tiers in TIERS.items()
    },
}
ELSEWHERE = {
    "plan-019": "test_the_31st_is_accepted (below)",
    "plan-029": "test_a_change_inside_an_invoiced_period_is_refused (below)",
    "plan-037": "test_two_people_edit_one_draft (test_admin_drafts.py)",
}


def test_every_published_case_is_tried(shared: Path) -> None:
    cases = json.loads((shared / "cases" / "bad_inputs.json").read_text())["inputs"]
    published = {case["id"] for case in cases if case["surface"] == "plan.definition"}
    assert published == {*REFUSED, *ELSEWHERE}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_it_is_refused_with_its_path_and_leaves_nothing(name: str) -> None:
    data, path = REFUSED[name]
    with pytest.raises(CatalogError) as caught:
        load_catalog(data)
    assert all(fault.path.startswith(path) for fault in caught.value.problems), str(caught.value)
    assert all(len(fault.message) > 10 for fault in caught.value.problems)
    assert not any(model.objects.exists() for model in (Meter, Plan, PlanVersion, TaxRate))


def test_the_31st_is_accepted() -> None:
    sell()
    with time_machine.travel(utc(2027, 3, 1), tick=False):
        subscription = subscribe(make_account(), the_plan("team"), utc(2026, 12, 31))
        days = [(period.first_day.isoformat(), period.days) for period in subscription.periods.all()]
    assert days == [("2026-12-31", 31), ("2027-01-31", 28), ("2027-02-28", 31)]


def test_a_change_inside_an_invoiced_period_is_refused() -> None:
    sell()
    with time_machine.travel(utc(2026, 3, 10), tick=False):
        subscription = subscribe(make_account(timezone="UTC"), the_plan("team"), utc(2026, 2, 1))
        subscription.periods.filter(number=0).update(closed_at=utc(2026, 3, 1))
        with pytest.raises(PeriodInvoiced) as caught:
            confirm_change(subscription, the_plan("scale"), at=utc(2026, 2, 20), actor=Actor.INSTALLATION)
    assert caught.value.field == "at"
    assert (Phase.objects.count(), PendingLine.objects.count()) == (1, 0)
