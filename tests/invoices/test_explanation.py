"""The same line shows the same working everywhere, and its inputs lead to its amount, also after a change of plan."""

from decimal import Decimal

import pytest

from billing.invoices.drafts import draft_invoice
from billing.invoices.models import InvoiceLine
from billing.invoices.queries import line_data
from billing.plans.actions import Actor, confirm_change
from billing.plans.models import Period, Plan
from billing.pricing.money import exact, round_money
from portal.pages.documents import issued_groups
from tests.invoices.world import OUT, bill, customer, load, on_plan, plan, use, utc

pytestmark = pytest.mark.usefixtures("db")
TIERS = [{"up_to": "100", "unit_price": "0.015"}, {"up_to": None, "unit_price": "0.0033", "flat_price": "1"}]
DEAR = [{"up_to": "100", "unit_price": "0.03"}, {"up_to": None, "unit_price": "0.0077", "flat_price": "2"}]


@pytest.mark.parametrize("model", ["graduated", "volume"])
def test_a_line_after_a_change_says_what_it_goes_on_from(model: str) -> None:
    load(
        plan("slow", {**OUT, "model": model, "tiers": TIERS}),
        plan("fast", {**OUT, "model": model, "tiers": DEAR}, base_price="99.00"),
    )
    account = customer()
    subscription = on_plan(account, "slow", utc(2026, 2, 1))
    use(account, utc(2026, 2, 3), output_tokens=77)
    use(account, utc(2026, 2, 20), output_tokens=1111)
    confirm_change(
        subscription, Plan.objects.get(code="fast"), "at", at=utc(2026, 2, 10), actor=Actor.INSTALLATION
    )
    period = Period.objects.get(account=account, start=utc(2026, 2, 1))
    drafted = [
        one for one in draft_invoice(account, period, period.end).lines_data() if one["kind"] == "usage"
    ]
    bill(account, utc(2026, 3, 1))
    rows = list(InvoiceLine.objects.filter(account=account, period=period, kind="usage").order_by("start"))
    stored = [line_data(row, "EUR") for row in rows]
    assert [{**one, "id": ""} for one in drafted] == [{**one, "id": ""} for one in stored]
    first, second = stored
    assert "before" not in first
    assert second["before"]["quantity"] == "77"
    with exact():
        assert sum(Decimal(row["amount"]) for row in second["tiers"]) == Decimal(second["exact_amount"])
        so_far = Decimal(second["exact_amount"]) + Decimal(second["before"]["exact_amount"])
        owed = round_money(so_far, "EUR") - Decimal(second["before"]["amount"])
    assert owed == Decimal(second["amount"])
    [text] = [
        one.detail
        for group in issued_groups(rows, rows[1].invoice.number, "EUR", "UTC")
        for one in group.lines
        if one.key == f"line-{rows[1].pk}"
    ]
    assert f"going on from 77 used and €{second['before']['amount']} charged" in text
