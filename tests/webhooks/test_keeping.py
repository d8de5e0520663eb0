"""What is kept, how secrets are kept, and what support staff see of it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from accounts.models import User
from billing.webhooks.actions import add_endpoint, announce, rotate_secret, switch_off
from billing.webhooks.models import Delivery, Endpoint, EventType, Message, Secret
from billing.webhooks.retention import purge
from billing.webhooks.sealing import PREFIX, Unreadable, as_text, new_key, seal, unseal
from portal.worker.jobs import SCHEDULE, purge_webhooks, send_webhook_notices
from tests.factories import make_account


@pytest.fixture
def delivery(db: None) -> Delivery:
    account = make_account()
    with override_settings(WEBHOOK_ALLOWED_HOSTS=["127.0.0.1"]):
        endpoint, _ = add_endpoint(account, "http://127.0.0.1/hook")
    message = announce(account, EventType.INVOICE_ISSUED, {"number": "F-1"}, fact="F-1")
    return Delivery.objects.create(
        message_id=message, endpoint=endpoint, account=account, give_up_at=timezone.now(), error="timeout"
    )


class TestSecrets:
    def test_a_key_is_what_standard_webhooks_asks_for(self) -> None:
        assert len(new_key()) == 32
        assert as_text(b"\0" * 32) == PREFIX + "A" * 43 + "="

    def test_they_are_sealed_under_the_secret_key(self) -> None:
        sealed = seal(key := new_key())
        assert key not in sealed
        assert unseal(sealed) == key
        with override_settings(SECRET_KEY="another"), pytest.raises(Unreadable):
            unseal(sealed)

    def test_no_secret_is_in_the_database(self, db: None) -> None:
        with override_settings(WEBHOOK_ALLOWED_HOSTS=["127.0.0.1"]):
            endpoint, first = add_endpoint(make_account(), "http://127.0.0.1/hook")
        for text in (first, rotate_secret(endpoint)):
            with connection.cursor() as cursor:
                cursor.execute("SELECT string_agg(encode(sealed, 'escape'), ' ') FROM webhooks_secret")
                assert text.removeprefix(PREFIX) not in cursor.fetchone()[0]

    def test_a_delivery_bears_four_signatures_at_most(self, delivery: Delivery) -> None:
        for _ in range(6):
            rotate_secret(delivery.endpoint)
        assert Secret.objects.count() == 4
        assert Secret.objects.filter(expires_at=None).count() == 1


def test_past_its_term_what_was_sent_goes_and_that_it_was_told_stays(delivery: Delivery) -> None:
    now = timezone.now()
    assert purge(now + timedelta(days=89)) == 0
    assert purge(now + timedelta(days=91)) == 1
    assert purge(now + timedelta(days=91)) == 0
    assert not Delivery.objects.exists()
    assert bytes(Message.objects.get().payload) == b""
    account = delivery.account
    assert account is not None
    assert announce(account, EventType.INVOICE_ISSUED, {"number": "F-1"}, fact="F-1") is None


def test_the_worker_does_it(delivery: Delivery) -> None:
    assert {send_webhook_notices, purge_webhooks} <= {job.run for job in SCHEDULE}
    Message.objects.update(occurred_at=timezone.now() - timedelta(days=100))
    purge_webhooks()
    assert bytes(Message.objects.get().payload) == b""
    switch_off(Endpoint.objects.get(), Endpoint.Off.GONE)
    send_webhook_notices()
    assert Endpoint.objects.get().told_at is not None


def test_staff_see_deliveries_and_try_them_again(delivery: Delivery) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("staff@example.com", "correct horse battery"))
    place = "/admin/webhooks/delivery/"
    text = client.get(place).content.decode()
    assert "No whole answer within 10 seconds" in text
    for state, shown in (("given_up", True), ("delivered", False), ("waiting", False)):
        found = client.get(place, {"state": state}).content.decode()
        assert ("http://127.0.0.1/hook" in found) == shown
    post = {"action": "try_again", "_selected_action": [str(delivery.pk)]}
    assert "1 are sent again now." in client.post(place, post, follow=True).content.decode()
    delivery.refresh_from_db()
    assert delivery.state == "waiting"
    switch_off(delivery.endpoint, Endpoint.Off.BY_HAND)
    assert "switched off" in client.post(place, post, follow=True).content.decode()
    assert client.get(f"{place}add/").status_code == 403
    assert client.get("/admin/webhooks/endpoint/").status_code == 200
    assert client.get(f"{place}{delivery.pk}/change/").status_code == 200
