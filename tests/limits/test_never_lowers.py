"""Whatever is done to limits, and in whatever order: nothing that was payable is waived, nothing waived is charged."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from billing.limits.actions import raise_alerts, set_limit
from billing.limits.queries import allowance, clamp, current_limit, firings, receipt_of, standing
from billing.plans.actions import Actor, confirm_change, load_catalog
from billing.plans.models import Plan
from billing.plans.queries import period_at, running_subscription, version_at
from billing.usage.models import Event
from billing.usage.rating import rate_period
from tests.limits.world import UNIT, customer, load, meter_of, plan, send, use

pytestmark = pytest.mark.usefixtures("db")

METERS = st.sampled_from([None, "tokens", "bytes"])
LIMITS = st.tuples(
    st.just("limit"), METERS, st.none() | st.integers(0, 60), st.sampled_from(["stop", "stop", "notify"])
)
DEARER = plan(
    "dearer",
    {**UNIT, "unit_price": "3"},
    {"code": "bytes", "meter": "bytes", "model": "per_unit", "unit_price": "2.5"},
    base_price="9.00",
)
USES = st.tuples(st.just("use"), st.sampled_from(["tokens", "bytes"]), st.integers(1, 20))


def split(account: Account) -> tuple[Decimal, Decimal, Decimal]:
    period = period_at(account, timezone.now())
    assert period
    found = clamp(rate_period(period))
    assert found.payable + found.waived == found.usage
    assert found.payable >= 0
    return found.usage, found.payable, found.waived


@given(steps=st.lists(st.one_of(LIMITS, USES), min_size=2, max_size=12))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_sequence_of_changes_lowers_what_was_payable(steps: list[tuple[Any, ...]]) -> None:
    with transaction.atomic():
        load()
        walk(customer(), steps)
        transaction.set_rollback(True)


def walk(account: Account, steps: list[tuple[Any, ...]]) -> None:
    before = split(account)
    for kind, meter, value, *action in steps:
        if kind == "limit":
            set_limit(account, value, action[0], meter=meter_of(meter) if meter else None)
            after = split(account)
            assert after == before, "a change of a limit as such changes no figure"
        else:
            ceiling = stop_of(account)
            use(account, **{meter: value})
            after = split(account)
            assert after[1] >= before[1], "payable never falls"
            assert after[2] >= before[2], "a waiver is never taken back"
            if ceiling is not None:
                assert after[1] <= max(before[1], ceiling), "usage never makes it pass the limit"
                answer = allowance(account, at=timezone.now())
                assert answer.allowed == (answer.spent < ceiling)
        found = standing(account, timezone.now())
        assert (found.spent, found.payable, found.waived) == after, "pages and invoice agree"
        before = after


PLANS = ("unit", "dearer", "fine")
LATE = st.tuples(st.just("late"), st.sampled_from(["tokens", "bytes"]), st.integers(1, 20), st.integers(1, 9))
MOVES = st.tuples(st.just("plan"), st.sampled_from(PLANS))
VOIDS = st.tuples(st.just("void"), st.integers(0, 10))
CHECKS = st.just(("check",))


@given(steps=st.lists(st.one_of(LIMITS, USES, LATE, MOVES, VOIDS, CHECKS), min_size=3, max_size=14))
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nor_with_late_events_other_plans_and_voided_usage_and_receipts_add_up(
    steps: list[tuple[Any, ...]],
) -> None:
    with transaction.atomic():
        load()
        load_catalog({"catalog": 1, "plans": [DEARER]})
        account = customer()
        clock = timezone.now()
        for step in steps:
            # Later by the product's clock, so that each plan change has a stretch of its own.
            clock += timedelta(seconds=1)
            with time_machine.travel(clock, tick=False):
                take(account, step)
        transaction.set_rollback(True)


def take(account: Account, step: tuple[Any, ...]) -> None:
    before = split(account)
    kind, *more = step
    if kind == "limit":
        set_limit(account, more[1], more[2], meter=meter_of(more[0]) if more[0] else None)
        assert split(account) == before, "a change of a limit as such changes no figure"
    elif kind in ("use", "late"):
        days = more[2] if kind == "late" else 0
        use(account, **{more[0]: more[1]}, at=timezone.now() - timedelta(days=days))
        after = split(account)
        assert after[1] >= before[1], "usage, however late, lowers nothing that was payable"
        assert after[0] >= before[0]
    elif kind == "plan":
        move(account, more[0])
        assert split(account) == before, "what was used by then keeps its price and its waiver"
    elif kind == "void":
        void(account, more[0])
        assert split(account)[0] <= before[0]
    else:
        raise_alerts(account, timezone.now())
    check_receipts(account)


def move(account: Account, code: str) -> None:
    subscription = running_subscription(account)
    assert subscription
    if version_at(subscription, timezone.now()).plan.code != code:
        confirm_change(subscription, Plan.objects.get(code=code), "now", actor=Actor.INSTALLATION)


def void(account: Account, number: int) -> None:
    """Withdraw one of the events that count, if there is one."""
    events = list(Event.objects.filter(account=account, voided=False).order_by("received_at"))
    if events:
        event = events[number % len(events)]
        send(account, event.event_id, event.data, at=event.time, revision=event.revision + 1, voided=True)


def check_receipts(account: Account) -> None:
    """Each receipt adds up; together those of a limit never waive more than the invoice does."""
    waived: dict[object, Decimal] = {}
    for firing in firings(account):
        found = receipt_of(firing)
        assert found.usage - found.waived_before - found.waived == found.payable
        assert found.payable >= 0
        waived[firing.limit.meter] = waived.get(firing.limit.meter, Decimal(0)) + found.waived
    assert sum(waived.values()) <= split(account)[2]


def stop_of(account: Account) -> Decimal | None:
    limit = current_limit(account)
    return limit.amount if limit is not None and limit.action == "stop" else None
