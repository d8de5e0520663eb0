"""Receipts: what each firing of a stop says, from the facts that others wrote."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Account
from billing.limits.actions import note_refusal, raise_alerts, set_limit, time_stops
from billing.limits.models import LimitVersion, Stop
from billing.limits.queries import Cause, Firing, Receipt, clamp, firings, receipt, receipt_of
from billing.plans.models import Period
from billing.plans.queries import period_at
from billing.usage.models import Event
from billing.usage.rating import rate_period
from tests.factories import make_member
from tests.limits.world import customer, meter_of, send, use

pytestmark = pytest.mark.usefixtures("db")

MILLISECOND = timedelta(milliseconds=1)


def running(account: Account) -> Period:
    period = period_at(account, timezone.now())
    assert period
    return period


def check(account: Account) -> list[Firing]:
    """What the worker does; the stops, oldest first."""
    raise_alerts(account, timezone.now())
    time_stops(account)
    return firings(account)[::-1]


def bill(account: Account) -> list[Receipt]:
    return [receipt_of(one) for one in check(account)]


def money(found: Receipt) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    assert found.usage - found.waived_before - found.waived == found.payable
    return found.usage, found.waived_before, found.waived, found.payable


def stop_at(account: Account, amount: str, **more: object) -> LimitVersion:
    version = set_limit(account, amount, "stop", **more)
    assert version
    return version


def arrival(event_id: str) -> datetime:
    found: datetime = Event.objects.get(event_id=event_id).received_at
    return found


def test_a_stop_from_crossing_to_raise() -> None:
    account = customer()
    owner = make_member(account, "owner")
    limit = stop_at(account, "10")
    use(account, tokens=9)
    assert check(account) == []
    crossing = use(account, tokens=1)
    use(account, tokens=3)
    began = timezone.now()
    for second in range(41):
        note_refusal(limit, running(account), began + timedelta(seconds=second))
    (firing,) = check(account)
    crossed = firing.stop.crossed_at
    assert crossed
    assert abs(crossed - arrival(crossing)) <= MILLISECOND, (
        "the third event came later, the first was too small"
    )
    assert (firing.refused, firing.resumed, firing.meter) == (41, None, None)
    assert firing.delay
    assert timedelta(0) < firing.delay < timedelta(seconds=60)
    assert firing.last_refused_at - firing.enforced_at == timedelta(seconds=40)
    raised = stop_at(account, "20", by=owner)
    (found,) = bill(account)
    assert money(found) == (13, 0, 3, 10)
    assert found.firing.resumed
    assert (found.firing.resumed.cause, found.firing.resumed.at) == (Cause.RAISED, raised.since)
    assert found.firing.resumed.version.created_by == owner
    again = receipt(account, found.firing.stop.pk)
    assert again == found
    assert receipt(customer(code="other"), found.firing.stop.pk) is None


def test_what_the_receipts_of_a_period_waive_is_what_its_invoice_waives() -> None:
    account = customer()
    stop_at(account, "10")
    use(account, tokens=15)
    check(account)
    stop_at(account, "17")
    use(account, tokens=4)
    check(account)
    stop_at(account, "5")
    use(account, tokens=6)
    first, second, third = bill(account)
    assert (money(first), money(second), money(third)) == ((15, 0, 5, 10), (19, 5, 0, 14), (25, 5, 6, 14))
    assert third.firing.stop.crossed_at == third.firing.limit.since, (
        "it was below what was spent when it was set"
    )
    assert second.firing.resumed is None, "a lower limit lets nothing go on"
    assert clamp(rate_period(running(account))).waived == 11


def test_a_raise_below_what_is_spent_fires_anew_and_resumes_nothing() -> None:
    account = customer()
    stop_at(account, "10")
    use(account, tokens=15)
    check(account)
    stop_at(account, "12")
    first, second = check(account)
    assert (first.resumed, second.resumed) == (None, None)
    raised = stop_at(account, "20")
    assert [one.resumed and one.resumed.version for one in check(account)] == [raised, raised]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"amount": None}, Cause.REMOVED),
        ({"amount": "10", "action": "notify"}, Cause.TELLS),
        ({"amount": "30", "action": "stop", "note": "Agreed by phone"}, Cause.STAFF),
        ({"amount": None, "note": "Agreed by phone"}, Cause.STAFF),
    ],
)
def test_who_or_what_let_it_go_on(change: dict[str, str | None], cause: Cause) -> None:
    account = customer()
    stop_at(account, "10")
    use(account, tokens=15)
    check(account)
    set_limit(account, **{"action": "stop", **change})
    (firing,) = check(account)
    assert firing.resumed
    assert firing.resumed.cause == cause


def test_a_new_period_resumes() -> None:
    account = customer()
    stop_at(account, "10")
    use(account, tokens=15)
    (firing,) = check(account)
    end = firing.period.end
    with time_machine.travel(end, tick=False):
        (firing,) = firings(account)
        assert firing.resumed
        assert (firing.resumed.cause, firing.resumed.at) == (Cause.PERIOD, end)


def test_usage_that_was_withdrawn_resumes_and_takes_its_waiver_along() -> None:
    account = customer()
    stop_at(account, "10")
    event = use(account, tokens=15)
    check(account)
    send(account, event, {"tokens": "6", "model": "small"}, revision=1)
    (found,) = bill(account)
    assert money(found) == (6, 0, 0, 6)
    assert found.firing.resumed
    assert (found.firing.resumed.cause, found.firing.resumed.at) == (Cause.WITHDRAWN, None)


def test_a_stop_that_reservations_kept_from_being_crossed() -> None:
    account = customer()
    limit = stop_at(account, "10")
    use(account, tokens=9)
    note_refusal(limit, running(account), timezone.now(), requests=2)
    (found,) = bill(account)
    assert (found.firing.stop.reached, found.firing.stop.crossed_at, found.firing.delay) == (
        False,
        None,
        None,
    )
    assert (found.firing.refused, money(found)) == (2, (9, 0, 0, 9))
    stop_at(account, "10", pace=False)
    assert check(account)[0].resumed is None, "another way of telling lets nothing go on"
    use(account, tokens=1)
    assert [one.stop.reached for one in check(account)] == [False, True]


def test_a_crossing_that_is_noticed_late_is_timed_exactly() -> None:
    account = customer(days=3)
    stop_at(account, "100", at=timezone.now() - timedelta(days=2))
    ids = [use(account, tokens=1, at=timezone.now() - timedelta(minutes=number)) for number in range(150)]
    # As if each had arrived when it happened, the worker asleep.
    for number, event_id in enumerate(ids):
        Event.objects.filter(event_id=event_id).update(
            received_at=timezone.now() - timedelta(minutes=150 - number)
        )
    (firing,) = check(account)
    assert firing.stop.crossed_at
    assert abs(firing.stop.crossed_at - arrival(ids[99])) <= MILLISECOND


def test_a_limit_of_zero_is_crossed_by_the_first_cent() -> None:
    account = customer("fine")
    stop_at(account, "0")
    use(account, tokens=1)
    assert check(account) == [], "less than half a cent costs nothing"
    event = use(account, tokens=9)
    (found,) = bill(account)
    assert abs(found.firing.at - arrival(event)) <= MILLISECOND
    assert money(found) == (Decimal("0.01"), 0, Decimal("0.01"), 0)


def test_limits_of_meters_and_account_have_receipts_of_their_own() -> None:
    account = customer()
    stop_at(account, "12")
    stop_at(account, "4", meter=meter_of("tokens"))
    use(account, tokens=6)  # 4 are payable
    (own,) = bill(account)
    assert own.firing.meter == meter_of("tokens")
    assert money(own) == (6, 0, 2, 4)
    use(account, bytes=5)  # 10 more: 14 for the account
    receipts = bill(account)
    assert [(one.firing.meter and one.firing.meter.code, money(one)) for one in receipts] == [
        ("tokens", (6, 0, 2, 4)),
        (None, (14, 0, 2, 12)),
    ]
    assert [one.firing.number[-2:] for one in receipts] == ["-1", "-2"]


def test_a_limit_that_tells_and_one_that_is_not_reached_have_none() -> None:
    account = customer()
    set_limit(account, "10", "notify")
    use(account, tokens=15)
    assert check(account) == []
    stop_at(account, "16")
    assert check(account) == []


def test_two_workers_record_one_stop() -> None:
    account = customer()
    stop_at(account, "10")
    use(account, tokens=15)
    check(account)
    check(account)
    assert Stop.objects.count() == 1
