"""Section 6 of the contract, at `ingest`: identity, duplicates, conflicts, partial acceptance, quarantine."""

import json
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from billing.usage.ingest import IntakeError, ingest
from billing.usage.models import DayTotal, Event, QuarantinedEvent
from billing.usage.rebuild import rebuild
from tests.factories import make_account
from tests.usage.given import NOW, codes, event, given_account, numbers, send, stored, totals

pytestmark = pytest.mark.usefixtures("db")


def test_an_event_is_stored_and_added_to_its_day() -> None:
    account = given_account()
    assert numbers(send(event(id="one"))) == (1, 0, 0, 0)
    row = Event.objects.get(account=account)
    assert (row.event_id, row.type, row.timed, row.revision, row.voided) == ("one", "llm", True, 0, False)
    assert totals(account) == (1, Decimal(10))
    assert totals(account, "calls") == (1, Decimal(1))
    assert DayTotal.objects.get(meter__code="peak").maximum == 10


def test_a_correction_to_another_type_is_counted_there_alone() -> None:
    account = given_account()
    send(event(id="x", data={"tokens": 7}))
    send(event(id="x", revision=1, type="seats.set", data={"seats": 3}))
    assert totals(account) == (0, 0)
    assert totals(account, "seats") == (1, 3)
    assert rebuild(check=True) == []


def test_a_retry_is_a_duplicate_and_changes_nothing() -> None:
    account = given_account()
    one = event()
    assert numbers(send(one)) == (1, 0, 0, 0)
    assert numbers(send(one)) == (0, 1, 0, 0)
    assert totals(account) == (1, Decimal(10))


def test_numbers_are_compared_by_value() -> None:
    given_account()
    one = event(data={"tokens": 1, "model": "m", "extra": 2})
    assert numbers(send(one)) == (1, 0, 0, 0)
    for data in (
        {"tokens": "1", "model": "m", "extra": 2},
        {"model": "m", "tokens": 1.0, "extra": 2.0},
        {"tokens": "1.000", "model": "m", "extra": 2},
    ):
        assert numbers(send({**one, "data": data})) == (0, 1, 0, 0)
    for data in (
        {"tokens": 1, "model": "m", "extra": "2"},
        {"tokens": 1, "model": "m"},
        {"tokens": 2, "model": "m", "extra": 2},
    ):
        assert codes(send({**one, "data": data})) == ["id_conflict"]


def test_true_is_not_one() -> None:
    given_account()
    one = event(data={"tokens": 1, "flag": True})
    send(one)
    assert codes(send({**one, "data": {"tokens": 1, "flag": 1}})) == ["id_conflict"]


def test_a_defaulted_time_is_no_part_of_the_content() -> None:
    account = given_account()
    one = event(time=...)
    assert numbers(send(one)) == (1, 0, 0, 0)
    assert numbers(send(one)) == (0, 1, 0, 0)
    row = Event.objects.get(account=account)
    assert not row.timed
    assert abs(row.time - row.received_at) < timedelta(seconds=1)
    assert codes(send({**one, "time": NOW.isoformat()})) == ["id_conflict"]


def test_the_same_instant_in_another_zone_is_the_same_content() -> None:
    given_account()
    one = event()
    send(one)
    moved = (NOW - timedelta(hours=1)).astimezone(ZoneInfo("Asia/Tokyo")).isoformat()
    assert numbers(send({**one, "time": moved})) == (0, 1, 0, 0)


def test_identity_is_subject_source_and_id() -> None:
    given_account()
    other = given_account("other")
    assert numbers(send(event(id="x"), event(id="x", source="/b"), event(id="x", subject="other"))) == (
        3,
        0,
        0,
        0,
    )
    assert stored(other) == 1


def test_duplicates_and_conflicts_inside_one_batch() -> None:
    account = given_account()
    one = event(id="x")
    result = send(one, one, {**one, "data": {"tokens": 11}}, event(id="y"))
    assert numbers(result) == (2, 1, 0, 1)
    assert (result.rejected[0].index, result.rejected[0].id, result.rejected[0].code) == (
        2,
        "x",
        "id_conflict",
    )
    assert totals(account) == (2, Decimal(20))


def test_good_events_of_a_mixed_batch_count() -> None:
    account = given_account()
    result = send(event(), event(id=""), event(subject="nobody"), event(type="login", data={}), 5, event())
    assert result.status == 200
    assert numbers(result) == (2, 0, 1, 3)
    assert [(each.index, each.code) for each in result.rejected] == [
        (1, "invalid_attribute"),
        (3, "invalid_value"),
        (4, "invalid_attribute"),
    ]
    assert stored(account) == 2


def test_a_meter_skips_what_it_cannot_read_but_one_must_read_it() -> None:
    account = given_account()
    assert numbers(send(event(data={"model": "m"}))) == (1, 0, 0, 0)  # calls counts it, tokens skips it
    assert totals(account, "calls") == (1, Decimal(1))
    assert totals(account) == (0, Decimal(0))
    assert codes(send(event(type="login", data={"user": None}))) == ["invalid_value"]


def test_a_quantity_that_cannot_be_read_is_refused_unless_another_can() -> None:
    account = given_account()
    assert codes(send(event(data={"tokens": "1.000,5"}))) == ["invalid_value"]
    assert stored(account) == 0


def test_all_rejected_is_422_with_the_same_body() -> None:
    given_account()
    result = send(event(id=5), event(source=...))
    assert result.status == 422
    assert [each["code"] for each in result.as_data()["rejected"]] == [
        "invalid_attribute",
        "missing_attribute",
    ]


def test_revisions_replace_whatever_the_order() -> None:
    account = given_account()
    first, second = event(id="x"), event(id="x", revision=2, data={"tokens": 3, "model": "gpt-4"})
    assert numbers(send(second)) == (1, 0, 0, 0)
    assert numbers(send(first)) == (0, 1, 0, 0)
    assert totals(account) == (1, Decimal(3))
    assert numbers(send({**second, "data": {"tokens": 4}})) == (0, 0, 0, 1)
    assert numbers(send({**second, "revision": 3, "data": {"tokens": 5, "model": "other"}})) == (1, 0, 0, 0)
    assert totals(account) == (1, Decimal(5))
    assert totals(account, "calls") == (1, Decimal(1))
    assert rebuild(check=True) == []


def test_a_higher_revision_lowers_the_maximum() -> None:
    account = given_account()
    send(event(id="x", data={"tokens": 100}), event(id="y", data={"tokens": 7}))
    send(event(id="x", revision=1, data={"tokens": 1}))
    assert DayTotal.objects.get(account=account, meter__code="peak").maximum == 7
    send(event(id="y", revision=1, voided=True, data=...))
    assert DayTotal.objects.get(account=account, meter__code="peak").maximum == 1
    assert rebuild(check=True) == []


def test_a_void_removes_and_a_later_revision_brings_back() -> None:
    account = given_account()
    send(event(id="x"))
    void = event(id="x", revision=1, voided=True, data=..., time=...)
    assert numbers(send(void)) == (1, 0, 0, 0)
    assert numbers(send(void)) == (0, 1, 0, 0)
    assert totals(account) == (0, Decimal(0))
    row = Event.objects.get(account=account)
    assert row.voided
    assert row.time == NOW - timedelta(hours=1)
    assert numbers(send(event(id="x", revision=2))) == (1, 0, 0, 0)
    assert totals(account) == (1, Decimal(10))
    assert rebuild(check=True) == []


def test_revisions_of_one_batch_are_taken_in_order() -> None:
    account = given_account()
    result = send(*(event(id="x", revision=n, data={"tokens": n}) for n in (0, 1, 3, 2)))
    assert numbers(result) == (3, 1, 0, 0)
    assert totals(account) == (1, Decimal(3))
    assert rebuild(check=True) == []


def test_own_keys_send_for_their_own_account_only() -> None:
    account, _ = given_account(), given_account("other")
    result = send(
        event(), event(subject="other"), event(subject="nobody"), event(type="nothing"), own=account
    )
    assert result.accepted == 1
    assert codes(result) == ["invalid_attribute"] * 3
    assert QuarantinedEvent.objects.count() == 0


def test_unknown_accounts_and_types_are_kept_once() -> None:
    given_account()
    events = [event(subject="nobody"), event(type="nothing")]
    assert numbers(send(*events)) == (0, 0, 2, 0)
    assert numbers(send(*events)) == (0, 0, 2, 0)
    assert sorted(QuarantinedEvent.objects.values_list("reason", flat=True)) == [
        "unknown_account",
        "unknown_type",
    ]


def test_no_service_period_is_quarantine() -> None:
    account = given_account()
    make_account("free")
    assert numbers(send(event(time="1900-01-01T00:00:00Z"), event(subject="free"))) == (0, 0, 2, 0)
    assert set(QuarantinedEvent.objects.values_list("reason", flat=True)) == {"no_period"}
    assert stored(account) == 0


def test_the_clock_may_be_five_minutes_ahead() -> None:
    from django.utils import timezone

    given_account()
    now = timezone.now()
    assert numbers(send(event(time=(now + timedelta(minutes=4, seconds=50)).isoformat()))) == (1, 0, 0, 0)
    assert codes(send(event(time=(now + timedelta(minutes=5, seconds=10)).isoformat()))) == ["too_far_ahead"]


def test_times_are_cut_to_microseconds() -> None:
    account = given_account()
    text = (NOW - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S") + ".1234569Z"
    send(event(time=text))
    assert Event.objects.get(account=account).time.microsecond == 123456


def test_whole_body_errors() -> None:
    given_account()
    for body, type_, status in (
        (b"null", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{} x", "application/json", 400),
        (b'{"v":"\xff"}', "application/json", 400),
        (b'[{"a":NaN}]', "application/json", 400),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "application/json", None),
        (b"[" * 100_000 + b"]" * 100_000, "application/json", 400),
        (b"[{}]", "text/plain", 415),
        (b"[{}]", None, 415),
        (b"[{}]", "application/json; charset=utf-7", 415),
        (b" " * (8 * 1024 * 1024 + 1), "application/json", 413),
        (json.dumps([{}] * 5001).encode(), "application/json", 413),
        (b"[{}]", "application/cloudevents+json", 400),
        (b"{}", "application/cloudevents-batch+json", 400),
    ):
        if status is None:
            assert ingest(body, type_).status == 422
            continue
        with pytest.raises(IntakeError) as error:
            ingest(body, type_)
        assert error.value.status == status, body[:40]


def test_a_repeated_key_spoils_its_own_event_only() -> None:
    account = given_account()
    good, bad = (
        json.dumps(event()),
        json.dumps(event(id="bad", data={"tokens": 1})).replace('"tokens": 1', '"tokens": 1, "tokens": 1000'),
    )
    result = ingest(f"[{good},{bad}]".encode(), "application/json")
    assert numbers(result) == (1, 0, 0, 1)
    assert (result.rejected[0].code, result.rejected[0].id) == ("duplicate_key", "bad")
    assert totals(account) == (1, Decimal(10))


def test_numbers_stay_exact() -> None:
    account = given_account()
    values = ["0.1", "0.2", "99999999999999999999999999.999999999999", 0.7, "-0"]
    body = json.dumps([event(data={"tokens": value}) for value in values]).encode()
    assert ingest(body, "application/json").accepted == 5
    assert totals(account)[1] == Decimal("100000000000000000000000000.999999999999")
    assert rebuild(check=True) == []


def test_many_events_are_one_answer() -> None:
    account = given_account()
    events = [event(id=str(n)) for n in range(2500)]
    assert numbers(send(*events)) == (2500, 0, 0, 0)
    assert numbers(send(*reversed(events))) == (0, 2500, 0, 0)
    assert totals(account) == (2500, Decimal(25_000))
