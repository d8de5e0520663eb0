"""Reservations of many at once on a database with real commits, and of random steps on random plans."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.limits.actions import reserving, set_limit
from billing.limits.actions.reserving import reserve
from billing.limits.desk import Desk
from billing.limits.errors import LimitError
from billing.limits.models import Reservation
from billing.limits.queries import clamp
from billing.limits.queries.books import _quickly, read_books, read_rows, read_slowly, spend
from billing.plans.actions import load_catalog
from billing.plans.queries import period_at
from billing.usage.intake.context import clock
from billing.usage.rating import rate_period
from billing.usage.shapes import align_shapes
from tests.limits.test_reservations import ask, granted, use_it
from tests.limits.world import customer, meter, meter_of, plan, use

CALLERS = 16


def at_once(account: Account, lock: bool, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many of 16 callers are granted 10 of 100, each in a transaction of its own."""
    begun = threading.Barrier(CALLERS)
    if not lock:
        monkeypatch.setattr(reserving, "hold_reservations", lambda *_: clock())
    wanted = ask(10)

    def call(_: int) -> bool:
        try:
            with account_scope(account.pk):
                begun.wait(30)
                return isinstance(reserve(account, [wanted])[0], Reservation)
        finally:
            connection.close()

    with ThreadPoolExecutor(CALLERS) as pool:
        return sum(pool.map(call, range(CALLERS)))


@pytest.mark.parametrize("lock", [True, False])
def test_callers_of_different_processes(committed: str, monkeypatch: pytest.MonkeyPatch, lock: bool) -> None:
    """Ten are granted; and without the lock more are, so that the test would tell."""
    with installation_scope():
        account = customer()
        set_limit(account, "100", "stop")
        ask(1)
    with installation_scope():
        found = at_once(account, lock, monkeypatch)
    assert found == 10 if lock else found > 10


def test_callers_of_one_process_share_transactions(committed: str) -> None:
    with installation_scope():
        account = customer()
        set_limit(account, "100", "stop")
        wanted = ask(1)
    groups = list[int]()

    def work(account: Account, asks: Any) -> Any:
        groups.append(len(asks))
        with account_scope(account.pk):
            return reserve(account, asks)

    desk = Desk(work)

    def call(_: int) -> int:
        try:
            return sum(isinstance(desk.reserve(account, wanted), Reservation) for _ in range(20))
        finally:
            connection.close()

    with ThreadPoolExecutor(CALLERS) as pool:
        assert sum(pool.map(call, range(CALLERS))) == 100
    assert sum(groups) == CALLERS * 20
    assert max(groups) > 1
    assert desk._waiting == {}


def test_a_desk_that_fails_tells_each_and_goes_on() -> None:
    calls = list[int]()

    def work(account: Account, asks: Any) -> Any:
        calls.append(len(asks))
        if len(calls) == 1:
            raise OSError("the disk")
        return [LimitError("refused", "", "No.") for _ in asks]

    desk, account = Desk(work), Account(pk=1)
    with pytest.raises(OSError, match="disk"):
        desk.reserve(account, None)  # type: ignore[arg-type]
    with pytest.raises(LimitError):
        desk.reserve(account, None)  # type: ignore[arg-type]


CHARGE = {"code": "tokens", "meter": "tokens"}
TIERS = [{"up_to": "10", "unit_price": "1"}, {"up_to": "20", "unit_price": "3", "flat_price": "2"}]
PLANS = {
    "flat": [{**CHARGE, "model": "per_unit", "unit_price": "0.333", "included": "5"}],
    "falling": [
        {**CHARGE, "model": "volume", "tiers": [*TIERS, {"up_to": None, "unit_price": "0.1"}]},
        {"code": "bytes", "meter": "bytes", "model": "per_unit", "unit_price": "0.5"},
    ],
    "steps": [{**CHARGE, "model": "graduated", "tiers": [*TIERS, {"up_to": None, "unit_price": "2"}]}],
    "packs": [{**CHARGE, "model": "package", "package_size": "7", "package_price": "3", "maximum_amount": "30"}],
    "filters": [
        {**CHARGE, "code": "small", "where": {"model": ["small"]}, "model": "per_unit", "unit_price": "1"},
        {**CHARGE, "code": "large", "where": {"model": ["large"]}, "model": "graduated", "tiers": [
            {"up_to": "5", "unit_price": "0"}, {"up_to": None, "unit_price": "4"}]},
    ],
    "shares": [
        {**CHARGE, "model": "percentage", "rate": "50", "fixed_fee": "0.30", "included_events": 2,
         "maximum_per_event": "6"},
    ],
    "free": [{**CHARGE, "model": "percentage", "rate": "50", "fixed_fee": "0.30", "included_amount": "12"}],
    "peak": [{"code": "peak", "meter": "peak", "model": "per_unit", "unit_price": "2"}, {**CHARGE, "model": "per_unit",
        "unit_price": "1"}],
    "counted": [
        {**CHARGE, "model": "per_unit", "unit_price": "1"},
        {"code": "hits", "meter": "hits", "model": "per_unit", "unit_price": "0.7"},
    ],
}  # fmt: skip


def sell() -> None:
    catalog = {
        "catalog": 1,
        "meters": [
            meter("tokens"),
            meter("bytes"),
            meter("peak", aggregation="max", value="tokens"),
            {name: value for name, value in meter("hits", aggregation="count").items() if name != "value"},
        ],
        "plans": [plan(code, *charges) for code, charges in PLANS.items()],
    }
    load_catalog(catalog)
    align_shapes()


AMOUNTS = st.integers(1, 25)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), AMOUNTS, st.sampled_from(["", "small", "large"])),
        st.tuples(
            st.just("commit"), st.integers(0, 9), st.integers(0, 100), st.sampled_from(["small", "large"])
        ),
        st.tuples(st.just("end"), st.integers(0, 9), st.booleans()),
    ),
    min_size=3,
    max_size=14,
)
SETTINGS = settings(
    max_examples=25,
    phases=(
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ),  # each example is a small installation: no shrinking
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(plan_code=st.sampled_from(sorted(PLANS)), limit=st.integers(5, 60), steps=STEPS)
@SETTINGS
def test_no_sequence_passes_the_limit(db: None, plan_code: str, limit: int, steps: list[Any]) -> None:
    """Whatever is reserved, used in full or in part, given back or left to expire: usage stays payable, all of it.

    An event that fits what its reservation was priced by is always taken.
    """
    with transaction.atomic():
        sell()
        account = customer(plan_code)
        set_limit(account, limit, "stop")
        kept = list[Reservation]()
        for step in steps:
            _take(account, step, kept)
            period = period_at(account, timezone.now())
            assert period
            found = clamp(rate_period(period))
            assert found.waived == 0
            assert found.usage <= limit
            assert sum(spend(read_books(account, timezone.now())).values()) <= limit
        transaction.set_rollback(True)


def _take(account: Account, step: Any, kept: list[Reservation]) -> None:
    if step[0] == "reserve":
        dimensions = {"model": step[2]} if step[2] else {}
        found = reserve(account, [ask(step[1], **dimensions)])[0]
        kept += [found] if isinstance(found, Reservation) else []
    elif kept and step[0] == "commit":
        one = kept[step[1] % len(kept)]
        model = one.dimensions.get("model", step[3])
        tokens = str(one.quantity * step[2] / 100)
        open_still = not Reservation.objects.filter(pk=one.pk).exclude(ended_at=None).exists()
        fits = open_still and one.expires_at > timezone.now() and bool(one.dimensions)
        with nullcontext() if fits else suppress(LimitError):
            use_it(account, one, tokens=tokens, model=model)
    elif kept:
        one = kept.pop(step[1] % len(kept))
        now = timezone.now()
        Reservation.objects.filter(pk=one.pk, ended_at=None).update(
            **({"expires_at": now} if step[2] else {"ended_at": now})
        )


USES = st.lists(
    st.tuples(
        st.integers(-5, 30), st.integers(0, 5), st.sampled_from(["small", "large", "other"]), st.floats(0, 9)
    ),
    max_size=8,
)


@given(
    plan_code=st.sampled_from(sorted(PLANS)),
    uses=USES,
    zone=st.sampled_from(["Europe/Paris", "America/Havana", "Asia/Kolkata", "Pacific/Apia"]),
    reserved=st.lists(AMOUNTS, max_size=3),
)
@SETTINGS
def test_one_statement_and_many_say_the_same(
    db: None, plan_code: str, uses: list[Any], zone: str, reserved: list[int]
) -> None:
    with transaction.atomic():
        sell()
        account = customer(plan_code, timezone=zone)
        set_limit(account, 1000, "stop")
        set_limit(account, 70, "notify", meter=meter_of("tokens"))
        now = timezone.now()
        for tokens, size, model, days in uses:
            use(account, at=now - timedelta(days=days), tokens=tokens, bytes=size, model=model)
        for quantity in reserved:
            granted(account, quantity)
        quick, slow = _quickly(read_rows(account.pk, now)), read_slowly(account, now)
        assert (quick is not None) == (
            plan_code in {"flat", "falling", "steps", "packs", "filters", "counted"}
        )
        if quick is not None:
            assert spend(quick) == spend(slow)
            assert (quick.limits, quick.period, quick.version) == (slow.limits, slow.period, slow.version)
            assert quick.resets_at == slow.resets_at
        transaction.set_rollback(True)
