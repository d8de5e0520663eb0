"""Whatever is done to limits, and in whatever order: nothing that was payable is waived, nothing waived is charged."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from billing.limits.actions import set_limit
from billing.limits.queries import allowance, clamp, current_limit, standing
from billing.plans.queries import period_at
from billing.usage.rating import rate_period
from tests.limits.world import customer, load, meter_of, use

pytestmark = pytest.mark.usefixtures("db")

METERS = st.sampled_from([None, "tokens", "bytes"])
LIMITS = st.tuples(
    st.just("limit"), METERS, st.none() | st.integers(0, 60), st.sampled_from(["stop", "stop", "notify"])
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


def stop_of(account: Account) -> Decimal | None:
    limit = current_limit(account)
    return limit.amount if limit is not None and limit.action == "stop" else None
