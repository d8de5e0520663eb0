"""What an account's own key sent: each accepted event once, with the event or not at all."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Account, ApiKey
from billing.usage.ingest import Result, ingest
from billing.usage.models import SentByKey
from tests.usage.given import JSON, event, given_account

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def account(db: None) -> Account:
    return given_account(timezone="Pacific/Auckland")


@pytest.fixture
def key(account: Account) -> ApiKey:
    return create_key("nightly", ["ingest"], account)[0]


def send(key: ApiKey, *events: dict[str, Any]) -> Result:
    return ingest(json.dumps(events).encode(), JSON, key.account, key.pk)


def counted(key: ApiKey) -> int:
    return sum(SentByKey.objects.filter(api_key=key).values_list("events", flat=True))


def test_each_accepted_event_is_counted_once(key: ApiKey) -> None:
    assert send(key, event(id="a"), event(id="b")).accepted == 2
    assert counted(key) == 2
    row = SentByKey.objects.get()
    assert row.account == key.account
    assert row.day.isoformat() in {
        (timezone.now() + timedelta(hours=hours)).date().isoformat() for hours in (12, 13)
    }, "the day there"
    assert send(key, event(id="a"), event(id="b")).duplicates == 2
    assert counted(key) == 2, "what was sent again is not used again"
    assert send(key, event(id="b"), event(id="c")).accepted == 1
    assert counted(key) == 3, "of a batch with known ones the new one"
    assert send(key, event(id="d"), event(id="d")).accepted == 1
    assert counted(key) == 4


def test_corrections_count_as_sent(key: ApiKey) -> None:
    send(key, event(id="a"))
    assert send(key, event(id="a", revision=1, data={"tokens": 9})).accepted == 1
    assert counted(key) == 2
    assert send(key, event(id="a", revision=2, voided=True), event(id="b", voided=True)).accepted == 2
    assert counted(key) == 4


def test_what_is_refused_or_set_aside_is_not_counted(key: ApiKey) -> None:
    far = (timezone.now() + timedelta(days=1)).isoformat()
    old = (timezone.now() - timedelta(days=400)).isoformat()
    result = send(key, event(id="x", time=far), event(id="y", time=old), event(id="z", subject="other"))
    assert (result.accepted, result.quarantined, len(result.rejected)) == (0, 1, 2)
    assert counted(key) == 0
    assert send(key, event(id="v"), event(id="w", time=old)).accepted == 1
    assert counted(key) == 1


def test_keys_of_the_installation_are_not_counted(account: Account) -> None:
    general, _ = create_key("root", ["ingest"])
    assert ingest(json.dumps([event()]).encode(), JSON, None, general.pk).accepted == 1
    assert not SentByKey.objects.exists()


def test_each_key_has_its_own_count(account: Account, key: ApiKey) -> None:
    other, _ = create_key("other", ["ingest"], account)
    send(key, event(id="a"))
    send(other, event(id="b"), event(id="c"))
    assert (counted(key), counted(other)) == (1, 2)
