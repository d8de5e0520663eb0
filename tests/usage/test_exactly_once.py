"""Whatever the batching, order, replays and writers: each event counts once, and totals are what events say."""

import json
import random
import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.scope import account_scope, installation_scope
from billing.plans.models import Meter
from billing.usage import rebuild as rebuilding
from billing.usage.ingest import StoreUnavailable, ingest
from billing.usage.intake import batch
from billing.usage.models import DayTotal, Event, QuarantinedEvent, RollupZone
from billing.usage.rebuild import rebuild
from tests.usage.given import JSON, START, event, given_account, send, stored, totals

WRITERS, EVENTS = 6, 600


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_batching_order_and_replays_change_nothing(db: None, data: st.DataObject) -> None:
    with transaction.atomic():
        account = given_account()
        amounts = data.draw(st.lists(st.integers(-9, 99), min_size=1, max_size=12))
        events = [event(id=str(n), data={"tokens": amount}) for n, amount in enumerate(amounts)]
        sent = data.draw(st.permutations(events * 2))
        while sent:
            size = data.draw(st.integers(1, len(sent)))
            send(*sent[:size])
            sent = sent[size:]
        assert totals(account) == (len(amounts), Decimal(sum(amounts)))
        assert rebuild(check=True) == []
        transaction.set_rollback(True)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(range(5)), voided=st.integers(0, 4), sizes=st.lists(st.integers(1, 3), max_size=5)
)
def test_the_highest_revision_holds_in_any_order(
    db: None, order: list[int], voided: int, sizes: list[int]
) -> None:
    with transaction.atomic():
        account = given_account()
        sent = [event(id="x", revision=n, voided=n == voided, data={"tokens": n}) for n in order]
        for size in [*sizes, 5]:
            send(*sent[:size]) if sent[:size] else None
            sent = sent[size:]
        row = Event.objects.get(account=account)
        assert (row.revision, row.voided) == (4, voided == 4)
        assert totals(account) == ((0, Decimal(0)) if voided == 4 else (1, Decimal(4)))
        assert rebuild(check=True) == []
        transaction.set_rollback(True)


def test_many_writers_on_one_hot_account(committed: str) -> None:
    with installation_scope():
        account = given_account()
    chance = random.Random(7)
    events = [event(id=str(n), data={"tokens": n % 50, "model": chance.choice("abc")}) for n in range(EVENTS)]
    revisions = [event(id=str(n), revision=1, data={"tokens": 1, "model": "a"}) for n in range(0, EVENTS, 10)]
    faults, barrier = list[BaseException](), threading.Barrier(WRITERS)

    def write(seed: int) -> None:
        order = random.Random(seed)
        try:
            barrier.wait()
            mine = events * 2 + revisions
            order.shuffle(mine)
            for start in range(0, len(mine), 50):
                ingest(json.dumps(mine[start : start + 50]).encode(), JSON)
        except BaseException as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[seed]) for seed in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    wanted = sum(1 if n % 10 == 0 else n % 50 for n in range(EVENTS))
    with installation_scope():
        assert stored(account) == EVENTS
        assert totals(account) == (EVENTS, Decimal(wanted))
        assert totals(account, "calls") == (EVENTS, Decimal(EVENTS))
        with connection.cursor() as cursor:
            cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            assert cursor.fetchone()[0] == 0
    assert rebuild(check=True) == []


def test_writers_and_a_rebuild_at_once(committed: str) -> None:
    with installation_scope():
        account = given_account()
    faults = list[BaseException]()

    def write(seed: int) -> None:
        try:
            for n in range(15):
                send(*(event(id=f"{seed}-{n}-{k}", data={"tokens": 1}) for k in range(20)))
        except BaseException as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[seed]) for seed in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        rebuild(account=account)
    assert faults == []
    with installation_scope():
        assert totals(account) == (900, Decimal(900))
    assert rebuild(check=True) == []


def test_a_rebuild_goes_day_by_day_where_a_chunk_is_a_day(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Totals of days without events go too, and the progress that is told grows to the end of the whole."""
    monkeypatch.setattr(rebuilding, "CHUNK_DAYS", 1)
    account = given_account()
    days = [(START + timedelta(days=n, hours=5)).isoformat() for n in (1, 2, 30)]
    send(*(event(time=day, data={"tokens": 7}) for day in days))
    right = totals(account)
    wrong = DayTotal.objects.filter(account=account, meter__code="tokens").order_by("day")
    moved = wrong.first()
    assert moved is not None
    DayTotal.objects.filter(pk=moved.pk).update(day=(START - timedelta(days=3)).date())
    told = list[float]()
    found = rebuild(account=account, progress=lambda what, share: told.append(share))
    assert {(each.meter, each.stored is None) for each in found} == {("tokens", True), ("tokens", False)}
    assert totals(account) == right == (3, Decimal(21))
    assert rebuild(check=True) == []
    assert told == sorted(told)
    assert 0 <= told[0] < told[-1] < 1


def test_a_rebuild_makes_totals_of_restored_events(db: None) -> None:
    """Of events alone, as a dump of them gives them back: nothing says yet by which zone's days."""
    account = given_account()
    send(*(event(time=(START + timedelta(days=n)).isoformat(), data={"tokens": 7}) for n in (1, 2, 30)))
    right = totals(account)
    DayTotal.objects.all().delete()
    RollupZone.objects.all().delete()
    assert {each.stored for each in rebuild(check=True)} == {None}
    rebuild()
    assert totals(account) == right == (3, Decimal(21))
    assert RollupZone.objects.get(account=account).timezone == account.timezone
    assert rebuild(check=True) == []


def test_intake_goes_on_between_two_chunks_of_a_rebuild(
    committed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "CHUNK_DAYS", 10)
    with installation_scope():
        account = given_account()
    send(*(event(time=(START + timedelta(days=n)).isoformat(), data={"tokens": 1}) for n in range(35)))
    others = list[int]()

    def send_one(what: str, share: float) -> None:
        thread = threading.Thread(target=_send_and_tell, args=[others])
        thread.start()
        thread.join(60)

    rebuild(account=account, meter=Meter.objects.get(code="tokens"), progress=send_one)
    assert len(others) == 4
    assert set(others) == {1}
    with installation_scope():
        assert totals(account) == (35 + len(others), Decimal(35 + len(others)))
    assert rebuild(check=True) == []


def _send_and_tell(accepted: list[int]) -> None:
    try:
        accepted.append(send(event(data={"tokens": 1})).accepted)
    finally:
        connection.close()


def test_a_store_that_cannot_write_says_so(committed: str) -> None:
    with installation_scope():
        account = given_account()
    one = event()
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    with pytest.raises(StoreUnavailable) as error:
        send(one)
    assert error.value.status == 503
    connection.close()
    name, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], "gone"
    with pytest.raises(StoreUnavailable):
        send(one)
    connection.settings_dict["NAME"] = name
    assert send(one).accepted == 1
    with installation_scope():
        assert stored(account) == 1


def test_few_queries_for_a_batch(db: None, django_assert_max_num_queries: Any) -> None:
    given_account()
    send(event())
    with django_assert_max_num_queries(14):  # four of them are the test's own savepoints and inner scope
        send(*(event() for _ in range(100)))


def test_the_check_goes_red_without_the_defence(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Totals that also count events which were there already: what the one statement keeps from happening."""
    given_account()
    one = event(id="x")
    send(one)
    careless = batch._storing(False).replace("count(*) = %(count)s", "%(count)s > 0")
    monkeypatch.setattr(batch, "_storing", lambda counted: careless)
    send(one)
    assert {each.meter for each in rebuild(check=True)} == {"tokens", "calls", "peak"}


def test_accounts_see_their_own_usage_only(db: None) -> None:
    mine, other = given_account(), given_account("other")
    send(event(), event(subject="other"), event(subject="other", time="2001-01-01T00:00:00Z"))
    with account_scope(mine.pk):
        assert set(Event.objects.values_list("account_id", flat=True)) == {mine.pk}
        assert set(DayTotal.objects.values_list("account_id", flat=True)) == {mine.pk}
        assert not QuarantinedEvent.objects.exists()
        with connection.cursor() as cursor:
            for n in range(8):
                cursor.execute(f"SELECT count(*) FROM usage_event_{n} WHERE account_id = %s", [other.pk])
                assert cursor.fetchone()[0] == 0
