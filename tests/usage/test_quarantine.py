"""Events that wait: for an account, a meter, a period; and events that come too late."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing.plans.actions.catalog import load_catalog
from billing.plans.actions.subscribe import subscribe
from billing.plans.models import Period, Plan
from billing.usage.models import Event, QuarantinedEvent
from billing.usage.rebuild import rebuild
from billing.usage.replay import replay, replay_rows
from tests.factories import make_account
from tests.usage.given import (
    NOW,
    PER_UNIT,
    START,
    catalog,
    event,
    given_account,
    numbers,
    period,
    send,
    stored,
    totals,
)

pytestmark = pytest.mark.usefixtures("db")


def open_rows() -> list[str]:
    return list(
        QuarantinedEvent.objects.filter(replayed_at=None).order_by("id").values_list("reason", flat=True)
    )


def test_events_of_a_new_account_count_once_it_has_a_period() -> None:
    given_account()
    events = [event(subject="late", id=str(n), data={"tokens": "0.1", "model": "m"}) for n in range(3)]
    assert numbers(send(*events)) == (0, 0, 3, 0)
    assert numbers(replay()) == (0, 0, 0, 0)
    account = make_account("late", timezone="UTC")
    assert numbers(replay(account=account)) == (0, 0, 3, 0)
    assert open_rows() == ["no_period"] * 3
    subscribe(account, Plan.objects.get(code="team"), start=START)
    assert numbers(replay(account=account)) == (3, 0, 0, 0)
    assert open_rows() == []
    assert totals(account) == (3, Decimal("0.3"))
    assert numbers(send(*events)) == (0, 3, 0, 0)
    assert numbers(replay()) == (0, 0, 0, 0)


def test_events_of_a_new_type_count_once_it_has_a_meter() -> None:
    account = given_account()
    send(event(type="video", data={"minutes": "2.5"}), event(type="video", data={"minutes": "x"}))
    meter = {
        "code": "minutes",
        "name": "Minutes",
        "unit": "min",
        "event_type": "video",
        "aggregation": "sum",
        "value": "minutes",
    }
    load_catalog({"catalog": 1, "meters": [meter]})
    result = replay(type="video")
    assert numbers(result) == (1, 0, 0, 1)
    assert totals(account, "minutes") == (1, Decimal("2.5"))
    assert QuarantinedEvent.objects.get(replayed_at=None).error.startswith("invalid_value")
    assert numbers(replay()) == (0, 0, 0, 0)
    assert rebuild(check=True) == []


def test_a_replayed_event_without_a_time_counts_when_it_arrived() -> None:
    given_account()
    send(event(subject="late", time=...))
    row = QuarantinedEvent.objects.get()
    arrived = NOW - timedelta(days=3)
    QuarantinedEvent.objects.update(received_at=arrived)
    account = make_account("late", timezone="UTC")
    subscribe(account, Plan.objects.get(code="team"), start=START)
    assert numbers(replay_rows([row.pk])) == (1, 0, 0, 0)
    found = Event.objects.get(account=account)
    assert (found.time, found.timed) == (arrived, False)
    assert found.received_at > arrived


def close(found: Period) -> None:
    Period.objects.filter(pk=found.pk).update(closed_at=timezone.now())


@pytest.mark.parametrize(("days", "counts"), [(34.99, True), (35.01, False)])
def test_late_usage_of_an_invoiced_period(days: float, counts: bool) -> None:
    account = given_account(start=NOW - timedelta(days=60))
    close(period(account))
    result = send(event(time=(timezone.now() - timedelta(days=days)).isoformat()))
    assert numbers(result) == ((1, 0, 0, 0) if counts else (0, 0, 1, 0))
    assert open_rows() == ([] if counts else ["too_late"])


def test_any_age_counts_while_the_period_is_not_invoiced() -> None:
    given_account(start=NOW - timedelta(days=900))
    assert numbers(send(event(time=(NOW - timedelta(days=890)).isoformat()))) == (1, 0, 0, 0)


def test_a_retry_stays_a_duplicate_when_its_period_is_long_closed() -> None:
    account = given_account(start=NOW - timedelta(days=90))
    one = event(time=(NOW - timedelta(days=80)).isoformat())
    assert numbers(send(one)) == (1, 0, 0, 0)
    close(period(account))
    assert numbers(send(one)) == (0, 1, 0, 0)
    assert numbers(send({**one, "data": {"tokens": 11}})) == (0, 0, 0, 1)


def test_a_correction_of_what_may_not_change_any_more_is_kept_aside() -> None:
    account = given_account(start=NOW - timedelta(days=90))
    old = event(id="x", time=(NOW - timedelta(days=80)).isoformat())
    send(old)
    close(period(account))
    moved = event(id="x", revision=1, data={"tokens": 1})
    assert numbers(send(moved)) == (0, 0, 1, 0)
    assert numbers(send(event(id="x", revision=1, voided=True, time=..., data=...))) == (0, 0, 1, 0)
    assert totals(account) == (1, Decimal(10))
    assert open_rows() == ["too_late", "too_late"]


def test_a_period_that_has_begun_is_stored_by_the_first_event() -> None:
    account = given_account(start=NOW - timedelta(days=40))
    Period.objects.filter(account=account, number__gt=0).delete()
    last = Period.objects.filter(account=account).order_by("-start").first()
    assert last is not None
    if last.end > NOW:
        Period.objects.filter(pk=last.pk).delete()
    assert numbers(send(event())) == (1, 0, 0, 0)
    assert Period.objects.filter(account=account, start__lte=NOW, end__gt=NOW).exists()
    assert stored(account) == 1


def test_own_keys_keep_events_aside_under_their_account() -> None:
    account = given_account()
    assert numbers(send(event(time="2001-01-01T00:00:00Z"), own=account)) == (0, 0, 1, 0)
    assert QuarantinedEvent.objects.get().account == account


def test_meters_that_come_later_count_what_was_there() -> None:
    account = given_account()
    send(event(), event())
    extra = {**catalog(PER_UNIT)["meters"][0], "code": "again"}
    load_catalog({"catalog": 1, "meters": [extra]})
    send(event())
    from billing.plans.models import Meter
    from billing.usage.queries import usage_rows

    meter = Meter.objects.get(code="again")
    assert usage_rows(account, meter, START, NOW, "none")[0].quantity == 30
    rebuild()
    assert totals(account, "again") == (3, Decimal(30))
    assert usage_rows(account, meter, START, NOW, "none")[0].quantity == 30
