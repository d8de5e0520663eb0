"""From the fact to the receiver, through the worker's sender and a real database."""

import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.test import override_settings
from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.webhooks.actions import (
    add_endpoint,
    announce,
    rotate_secret,
    send_again,
    send_test,
    switch_off,
)
from billing.webhooks.errors import WebhookError
from billing.webhooks.mail import message_id, send_notices
from billing.webhooks.models import Delivery, Endpoint, EventType, Secret
from billing.webhooks.sending import Lane, Outcome, Try, settle, spread, take
from portal.worker import webhooks as worker
from tests.factories import make_account, make_member
from tests.webhooks import receiver as answers
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.sending import send_until

pytestmark = pytest.mark.usefixtures("committed")


def account() -> Account:
    with installation_scope():
        return make_account()


def endpoint(of: Account | None, url: str, **fields: object) -> tuple[Endpoint, str]:
    with installation_scope():
        return add_endpoint(of, url, **fields)


def tell(about: Account, type: EventType = EventType.INVOICE_ISSUED, **data: object) -> str:
    with account_scope(about.pk):
        return str(announce(about, type, data))


def deliveries() -> list[Delivery]:
    with installation_scope():
        return list(Delivery.objects.select_related("message", "endpoint").order_by("created_at"))


def test_what_is_sent_verifies_with_the_standard_library_of_receivers(receiver: Receiver) -> None:
    acme = account()
    _, secret = endpoint(acme, receiver.url("/hook"))
    message = tell(acme, number="F-1")
    send_until(lambda: bool(receiver.posts) and deliveries()[0].state == "delivered")
    (post,) = receiver.posts
    assert Webhook(secret).verify(post.body, post.headers) == json.loads(post.body)
    assert post.id == message
    assert post.path == "/hook"
    assert post.headers["content-type"] == "application/json"
    assert post.headers["host"] == f"127.0.0.1:{receiver.server_port}"
    (delivery,) = deliveries()
    assert (delivery.attempts, delivery.response_status, delivery.error) == (1, 204, "")


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries after hundredths of a second."""
    monkeypatch.setattr("billing.webhooks.retrying.DELAYS", (timedelta(seconds=0.05),))


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("answer", "error", "status"),
    [
        (answers.status(500), "status", 500),
        (answers.status(404), "status", 404),
        (answers.hang, "timeout", None),
        (answers.reset, "connection", None),
        (answers.endless, "too_large", 200),
    ],
)
def test_what_fails_is_tried_again_with_the_same_id(
    receiver: Receiver,
    answer: answers.Answer,
    error: str,
    status: int | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if answer is answers.hang:
        monkeypatch.setattr("billing.webhooks.sending.posting.DEADLINE_SECONDS", 0.5)
    acme = account()
    _, secret = endpoint(acme, receiver.url())
    message = tell(acme)
    receiver.answers["/"] = answer
    send_until(lambda: len(receiver.posts) >= 2 and deliveries()[0].error != "")
    assert {post.id for post in receiver.posts} == {message}
    (delivery,) = deliveries()
    assert (delivery.state, delivery.error, delivery.response_status) == ("waiting", error, status)
    with installation_scope():
        assert Endpoint.objects.get().failing_since is not None
    receiver.answers.clear()
    send_until(lambda: deliveries()[0].state == "delivered")
    for post in receiver.posts:
        Webhook(secret).verify(post.body, post.headers)
    with installation_scope():
        assert Endpoint.objects.get().failing_since is None


def test_a_redirect_is_a_failure_and_nobody_follows_it(receiver: Receiver) -> None:
    with receiving() as inside:
        endpoint(acme := account(), receiver.url())
        receiver.answers["/"] = answers.status(302, Location=inside.url())
        tell(acme)
        send_until(lambda: deliveries() != [] and deliveries()[0].error == "status")
        assert deliveries()[0].response_status == 302
        assert inside.hits == 0


def test_the_environment_names_no_proxy(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        endpoint(acme := account(), receiver.url())
        tell(acme)
        send_until(lambda: deliveries() != [] and deliveries()[0].state == "delivered")
        assert proxy.hits == 0


def test_410_switches_the_endpoint_off(receiver: Receiver) -> None:
    endpoint(acme := account(), receiver.url())
    receiver.answers["/"] = answers.status(410)
    tell(acme)
    send_until(lambda: deliveries() != [] and deliveries()[0].state == "given_up")
    with installation_scope():
        assert Endpoint.objects.get().off == "gone"
    tell(acme)
    with installation_scope():
        spread()
    assert len(deliveries()) == 1


def test_who_asks_for_patience_is_given_it(receiver: Receiver) -> None:
    endpoint(acme := account(), receiver.url())
    receiver.answers["/"] = answers.status(429, Retry_After="3600")
    tell(acme)
    send_until(lambda: deliveries() != [] and deliveries()[0].error == "status")
    wait = deliveries()[0].next_try_at - timezone.now()
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)


def test_two_signatures_while_a_secret_is_replaced(receiver: Receiver) -> None:
    acme = account()
    found, old = endpoint(acme, receiver.url())
    with account_scope(acme.pk):
        new = rotate_secret(found)
    tell(acme)
    send_until(lambda: bool(receiver.posts))
    (post,) = receiver.posts
    assert len(post.headers["webhook-signature"].split()) == 2
    Webhook(old).verify(post.body, post.headers)
    Webhook(new).verify(post.body, post.headers)
    with installation_scope():
        Secret.objects.exclude(expires_at=None).update(expires_at=timezone.now())
    tell(acme)
    send_until(lambda: len(receiver.posts) == 2)
    Webhook(new).verify(receiver.posts[1].body, receiver.posts[1].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(receiver.posts[1].body, receiver.posts[1].headers)


def test_a_secret_that_cannot_be_read_is_said(receiver: Receiver) -> None:
    endpoint(acme := account(), receiver.url())
    tell(acme)
    with override_settings(SECRET_KEY="another"):
        send_until(lambda: deliveries() != [] and deliveries()[0].error == "secret")
    assert receiver.hits == 0
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        with installation_scope():
            Delivery.objects.update(next_try_at=timezone.now())
        send_until(lambda: deliveries()[0].state == "delivered")


def test_who_hears_of_what(receiver: Receiver) -> None:
    """Endpoints of the account and of the installation, of the types they chose, while they are on."""
    acme = account()
    with installation_scope():
        other = make_account("other")
    endpoint(acme, receiver.url("/acme"))
    endpoint(acme, receiver.url("/limits"), types=["limit.stopped", "limit.threshold_reached"])
    endpoint(other, receiver.url("/other"))
    endpoint(None, receiver.url("/all"))
    off, _ = endpoint(acme, receiver.url("/off"))
    with installation_scope():
        switch_off(off, Endpoint.Off.BY_HAND)
    issued, stopped = tell(acme), tell(acme, EventType.LIMIT_STOPPED)
    others = tell(other)
    send_until(lambda: len(receiver.posts) >= 7)
    heard = {path: {post.id for post in receiver.at(path)} for path in ("/acme", "/limits", "/other", "/all")}
    assert heard == {
        "/acme": {issued, stopped},
        "/limits": {stopped},
        "/other": {others},
        "/all": {issued, stopped, others},
    }
    assert receiver.at("/off") == []
    with account_scope(acme.pk):
        assert Endpoint.objects.count() == 3, "the installation's own is not the account's to see"
        assert Delivery.objects.count() == 3


def test_what_a_killed_worker_had_in_hand_is_due_when_its_lease_ends(receiver: Receiver) -> None:
    endpoint(acme := account(), receiver.url())
    message = tell(acme)
    spread()
    (taken,) = take(Lane(False, 1, 1), 1, {})
    assert take(Lane(False, 1, 1), 1, {}) == [], "another worker leaves it alone"
    with pytest.raises(TimeoutError):
        send_until(lambda: bool(receiver.posts), 0.5)
    with installation_scope():
        Delivery.objects.update(next_try_at=timezone.now())
    send_until(lambda: deliveries()[0].state == "delivered")
    assert [post.id for post in receiver.posts] == [message]
    settle(taken, Outcome(Delivery.Error.TIMEOUT))
    assert deliveries()[0].state == "delivered", "a failure that is told too late changes nothing"


def test_what_a_worker_took_while_it_ended_is_sent(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint(acme := account(), receiver.url())
    taking = threading.Event()

    def slowly(*args: Any) -> list[Try]:
        taken = take(*args)
        if taken:
            taking.set()
            time.sleep(0.3)
        return taken

    monkeypatch.setattr(worker, "take", slowly)
    tell(acme)
    send_until(taking.is_set)
    assert deliveries()[0].state == "delivered"


class TestGivingUp:
    def failed(self, acme: Account, age: timedelta, failing: timedelta) -> Delivery:
        """A delivery of that age on an endpoint that fails for so long, after one more failed try."""
        tell(acme)
        spread()
        now = timezone.now()
        with installation_scope():
            Delivery.objects.filter(attempts=0).update(give_up_at=now - age + timedelta(days=3))
            Endpoint.objects.update(failing_since=now - failing)
        (taken,) = take(Lane(True, 1, 1), 1, {})
        settle(taken, Outcome(Delivery.Error.TIMEOUT))
        return next(one for one in deliveries() if one.pk == taken.delivery_id)

    def test_after_three_days_the_message(self, receiver: Receiver) -> None:
        endpoint(acme := account(), receiver.url())
        assert self.failed(acme, timedelta(days=3), timedelta(days=3)).state == "given_up"
        with installation_scope():
            assert Endpoint.objects.get().off == ""

    def test_the_last_try_is_at_three_days(self, receiver: Receiver) -> None:
        endpoint(acme := account(), receiver.url())
        delivery = self.failed(acme, timedelta(days=3, seconds=-1), timedelta(days=3))
        assert (delivery.state, delivery.next_try_at) == ("waiting", delivery.give_up_at)

    def test_after_five_days_the_endpoint_and_its_owner_is_told_once(self, receiver: Receiver) -> None:
        mail.outbox = []
        endpoint(acme := account(), receiver.url())
        with installation_scope():
            make_member(acme)
        delivery = self.failed(acme, timedelta(days=1), timedelta(days=5))
        assert (delivery.state, delivery.error) == ("given_up", "off")
        with installation_scope():
            assert Endpoint.objects.get().off == "failing"
        assert (send_notices(), send_notices()) == (1, 0)
        (notice,) = mail.outbox
        assert notice.to == ["owner@acme.example"]
        assert notice.subject == "Your webhook at 127.0.0.1 is switched off"
        assert "No delivery has gone through since" in notice.body
        assert receiver.url() in notice.alternatives[0].content

    def test_one_failure_of_today_after_one_of_last_month_is_no_five_days(self, receiver: Receiver) -> None:
        endpoint(acme := account(), receiver.url())
        assert self.failed(acme, timedelta(hours=1), timedelta(days=30)).state == "waiting"
        with installation_scope():
            assert Endpoint.objects.get().off == ""

    def test_a_notice_that_fails_is_sent_later_under_the_same_id(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mail.outbox = []
        found, _ = endpoint(account(), receiver.url())
        with installation_scope():
            switch_off(found, Endpoint.Off.GONE)
        with monkeypatch.context() as broken:
            broken.setattr("django.core.mail.EmailMultiAlternatives.send", _fail)
            assert send_notices() == 0
        assert send_notices() == 1
        assert mail.outbox[0].extra_headers["Message-ID"] == message_id(found)
        assert "It answered 410 Gone" in mail.outbox[0].body


def _fail(*args: object) -> None:
    raise OSError("no mail server")


def test_sending_by_hand(receiver: Receiver) -> None:
    found, secret = endpoint(acme := account(), receiver.url())
    endpoint(acme, receiver.url("/other"))
    with account_scope(acme.pk):
        tested = send_test(found)
        with pytest.raises(WebhookError, match="on its way"):
            send_test(found)
    send_until(lambda: bool(receiver.posts) and deliveries()[0].state == "delivered")
    (post,) = receiver.posts
    assert Webhook(secret).verify(post.body, post.headers) == {
        "type": "webhook.test",
        "timestamp": json.loads(post.body)["timestamp"],
        "test": True,
        "data": {"account": "acme", "webhook": str(found.pk)},
    }
    with account_scope(acme.pk):
        send_again(tested)
    send_until(lambda: len(receiver.posts) == 2)
    assert receiver.posts[0].id == receiver.posts[1].id
    with account_scope(acme.pk):
        switch_off(found, Endpoint.Off.BY_HAND)
        for act in (lambda: send_test(found), lambda: send_again(tested)):
            with pytest.raises(WebhookError, match="switched off"):
                act()
