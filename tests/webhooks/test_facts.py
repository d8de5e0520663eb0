"""What is told when: one message per fact, in the words of the API."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from billing.invoices.actions import bill_account
from billing.invoices.actions.payments import record_payment
from billing.invoices.models import Invoice
from billing.invoices.queries import invoice_data
from billing.limits.actions import raise_alerts, set_limit
from billing.limits.actions.drills import start_drill
from billing.limits.queries import current_limit
from billing.plans.actions import Actor, cancel, confirm_change, preview_change, reactivate, take_back
from billing.plans.models import Period, Plan, ScheduledChange
from billing.plans.queries import current_period, running_subscription
from billing.webhooks.models import Message
from portal import acts
from tests.factories import make_account, make_member
from tests.limits.world import customer, load, use


def told(type: str) -> list[dict[str, Any]]:
    rows = Message.objects.filter(type=type).order_by("occurred_at")
    return [json.loads(bytes(row.payload)) for row in rows]


def test_thresholds_and_the_stop(db: None) -> None:
    account = customer()
    set_limit(account, "500", "stop")
    use(account, tokens=410)
    for _ in range(2):
        raise_alerts(account, timezone.now())
    found = told("limit.threshold_reached")
    assert sorted(one["data"]["threshold"] for one in found) == [50, 80]
    limit = current_limit(account)
    assert limit is not None
    assert found[0]["data"]["limit"] == {
        "id": str(limit.pk),
        "meter": None,
        "amount": "500.00",
        "action": "stop",
        "thresholds": [50, 80, 100],
    }
    assert (found[0]["data"]["account"], found[0]["data"]["spent"]) == ("acme", "410.00")
    assert told("limit.stopped") == []
    use(account, tokens=100)
    for _ in range(2):
        raise_alerts(account, timezone.now())
    (stopped,) = told("limit.stopped")
    assert stopped["data"]["limit"]["id"] == str(limit.pk)
    assert len(told("limit.threshold_reached")) == 3


def test_a_limit_that_tells_stops_nothing(db: None) -> None:
    account = customer()
    set_limit(account, "5", "notify")
    use(account, tokens=410)
    raise_alerts(account, timezone.now())
    assert told("limit.stopped") == []


def test_a_drill_is_marked_as_one(db: None) -> None:
    account = customer()
    set_limit(account, "500", "stop")
    limit = current_limit(account)
    assert limit is not None
    start_drill(limit, make_member(account))
    for type in ("limit.threshold_reached", "limit.stopped"):
        (found,) = told(type)
        assert found["test"] is True


def test_invoices_and_payments(db: None) -> None:
    account = customer()
    bill_account(account, timezone.now())
    (invoice,) = Invoice.objects.all()
    (issued,) = told("invoice.issued")
    data = invoice_data(invoice)
    del data["lines"]
    assert issued["data"] == data
    assert "lines" not in issued["data"]
    record_payment(invoice, Decimal(2), timezone.now())
    assert told("invoice.paid") == []
    record_payment(invoice, invoice.amount_due - 2, timezone.now())
    (paid,) = told("invoice.paid")
    assert (paid["data"]["number"], paid["data"]["status"]) == (invoice.number, "paid")


def test_made_up_history_is_not_told(db: None) -> None:
    bill_account(customer(), timezone.now(), dated_back=True)
    assert Invoice.objects.exists()
    assert told("invoice.issued") == []


def test_every_step_of_a_subscriptions_life(db: None) -> None:
    load()
    account = make_account()
    plans = {plan.code: plan for plan in Plan.objects.all()}
    subscription = acts.subscribe(account, plans["unit"], actor=Actor.INSTALLATION)
    preview_change(subscription, plans["fine"], "period_end", actor=Actor.INSTALLATION)
    confirm_change(subscription, plans["fine"], "now", actor=Actor.INSTALLATION)
    confirm_change(subscription, plans["package"], "period_end", actor=Actor.INSTALLATION)
    take_back(subscription)
    cancel(subscription, "period_end", actor=Actor.CUSTOMER)
    reactivate(subscription, actor=Actor.CUSTOMER)
    cancel(subscription, "now", actor=Actor.INSTALLATION)
    found = told("subscription.changed")
    assert [one["data"]["change"] for one in found] == [
        "started",
        "plan_changed",
        "change_scheduled",
        "taken_back",
        "cancellation_scheduled",
        "taken_back",
        "canceled",
    ]
    shown = [one["data"]["subscription"] for one in found]
    assert [one["plan"] for one in shown] == ["unit", *["fine"] * 6]
    assert shown[2]["scheduled_change"]["plan"] == "package"
    assert [one["status"] for one in shown] == [*["active"] * 6, "canceled"]


def test_what_was_scheduled_is_told_when_it_is_carried_out(db: None) -> None:
    for plan, change in (("fine", "plan_changed"), (None, "canceled")):
        account = customer("unit", days=40, code=f"c-{change.replace('_', '-')}")
        subscription = running_subscription(account)
        assert subscription is not None
        period = Period.objects.filter(subscription=subscription).latest("number")
        Message.objects.all().delete()
        ScheduledChange.objects.create(
            subscription=subscription,
            account=account,
            at=period.end,
            version=Plan.objects.get(code=plan).versions.get() if plan else None,
        )
        for _ in range(2):
            current_period(subscription, period.end + timedelta(days=1))
        (found,) = told("subscription.changed")
        assert found["data"]["change"] == change
        assert found["timestamp"] == period.end.isoformat().replace("+00:00", "Z")
        assert found["data"]["subscription"]["plan"] == (plan or "unit")
