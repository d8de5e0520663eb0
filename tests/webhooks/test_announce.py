"""A fact is told once, with the fact or not at all."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest
from django.db import transaction

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.webhooks.actions import CHANNEL, announce
from billing.webhooks.models import EventType, Message
from portal.worker.database import connection_params
from tests.factories import make_account
from tests.patience import PATIENCE

AT = datetime(2026, 2, 1, 12, 30, tzinfo=UTC)


def tell(account: Account, **options: object) -> object:
    return announce(account, EventType.INVOICE_ISSUED, {"number": "F-1", "name": "Zoë"}, at=AT, **options)


def test_the_payload_is_what_standard_webhooks_says(db: None) -> None:
    account = make_account()
    message = Message.objects.get(pk=tell(account))
    assert bytes(message.payload).decode() == (
        '{"type":"invoice.issued","timestamp":"2026-02-01T12:30:00Z",'
        f'"data":{{"account":"{account.code}","number":"F-1","name":"Zoë"}}}}'
    )
    assert message.occurred_at == AT


def test_a_drill_is_marked(db: None) -> None:
    message = Message.objects.get(pk=tell(make_account(), test=True))
    assert message.test
    assert json.loads(bytes(message.payload))["test"] is True


def test_a_fact_is_told_once_and_facts_without_a_name_are_each_their_own(db: None) -> None:
    account = make_account()
    first = tell(account, fact="F-1")
    assert first is not None
    assert tell(account, fact="F-1") is None
    assert tell(account) != tell(account)
    assert Message.objects.count() == 3


def test_what_is_rolled_back_is_not_told(db: None) -> None:
    account = make_account()
    with transaction.atomic():
        tell(account, fact="F-1")
        transaction.set_rollback(True)
    assert not Message.objects.exists()
    assert tell(account, fact="F-1") is not None


def test_an_account_tells_of_itself_only(db: None) -> None:
    own, other = make_account(), make_account("other")
    with account_scope(own.pk):
        assert tell(own) is not None
    with pytest.raises(Exception, match="row-level security"), account_scope(own.pk):
        tell(other)


def test_a_value_that_is_not_json_is_a_fault_of_ours(db: None) -> None:
    with pytest.raises(TypeError):
        announce(make_account(), EventType.INVOICE_ISSUED, {"total": Decimal(1)})


def test_the_worker_is_woken_at_the_commit(committed: str) -> None:
    """Once, however many facts a transaction has."""
    with installation_scope():
        account = make_account()
    with psycopg.connect(**connection_params(), autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        with account_scope(account.pk):
            tell(account)
            tell(account)
            assert list(listener.notifies(timeout=0.1)) == []
        assert len(list(listener.notifies(timeout=PATIENCE, stop_after=1))) == 1
        assert list(listener.notifies(timeout=0.1)) == []
