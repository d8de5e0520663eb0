"""What the mail says, in which language, to whom, and how often it is tried."""

from collections.abc import Callable
from email.message import Message
from smtplib import SMTPRecipientsRefused
from threading import Thread
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from accounts.mailing import recipients
from accounts.models import Account, Mail, Role
from accounts.scope import account_scope, installation_scope
from billing.limits.actions import raise_alerts, set_limit
from billing.limits.mail import send_alerts
from billing.limits.models import Alert
from tests.factories import make_member
from tests.limits.world import customer, meter_of, use
from tests.together import at_once

NBSP = "\N{NO-BREAK SPACE}"
NARROW = "\N{NARROW NO-BREAK SPACE}"


@pytest.fixture(autouse=True)
def outbox() -> list[Any]:
    mail.outbox = []
    return mail.outbox


def reach(amount: str = "500", action: str = "stop", tokens: int = 410, **fields: Any) -> Account:
    account = customer(**fields)
    set_limit(account, amount, action)
    use(account, tokens=tokens)
    raise_alerts(account, timezone.now())
    return account


def sent() -> tuple[str, str, str]:
    """Subject, text and HTML of the one mail."""
    assert len(mail.outbox) == 1
    message = mail.outbox[0]
    return message.subject, message.body, message.alternatives[0].content


@pytest.mark.usefixtures("db")
class TestWhatItSays:
    def test_in_english(self) -> None:
        account = reach()
        assert send_alerts(account) == 1
        subject, text, html = sent()
        assert subject == f"Acme: 82{NARROW}% of your €500 spending limit is used"
        for part in (text, html):
            assert subject in part
            assert "costs €410.00 so far" in part
            assert "At €500 new usage is refused, until the limit is raised" in part
            assert "before tax and coupons" in part
            assert "Europe/Paris" in part
            assert "http://localhost:8000/billing/limits/" in part
            assert "{" not in part

    def test_in_french(self) -> None:
        account = reach(locale="fr")
        send_alerts(account)
        subject, text, html = sent()
        assert subject == f"Acme{NBSP}: 82{NBSP}% de votre limite de 500{NBSP}€ sont consommés"
        for part in (text, html):
            assert f"410,00{NBSP}€" in part
            assert "hors taxes et avant remises" in part
            assert "Usage" not in part
            assert "limit is" not in part
        assert '<html lang="fr">' in html

    def test_a_stop_says_that_usage_is_refused_and_when_it_ends(self) -> None:
        account = reach(tokens=501)
        send_alerts(account)
        subject, text, _ = sent()
        assert subject == "Acme: your €500 spending limit is reached, new usage is refused"
        assert "until the limit is raised or the next billing period starts on" in text
        assert "If our own delay lets some through, we pay for it." in text

    def test_tell_me_says_that_nothing_stops(self) -> None:
        account = reach(action="notify", tokens=560)
        send_alerts(account)
        subject, text, _ = sent()
        assert subject == f"Acme: 112{NARROW}% of your €500 spending limit is used"
        assert "nothing is refused" in text
        assert "we pay for it" not in text, "that is promised with Stop only"

    def test_a_share_is_never_rounded_up_to_the_limit(self) -> None:
        account = reach(amount="100000", action="stop", tokens=99_999)
        send_alerts(account)
        assert f"99.9{NARROW}%" in sent()[0]

    def test_a_meters_limit_is_named_and_a_limit_of_zero_has_no_percent(self) -> None:
        account = customer()
        set_limit(account, "0", "notify", [100], meter=meter_of("tokens"))
        use(account, tokens=1)
        raise_alerts(account, timezone.now())
        send_alerts(account)
        assert sent()[0] == "Acme · Tokens: your €0 spending limit is passed"

    def test_a_name_is_text_and_cannot_add_a_header(self) -> None:
        account = reach(name="A <b>&\r\nBcc: x@example.org")
        send_alerts(account)
        subject, _, html = sent()
        assert subject.startswith("A <b>& Bcc: x@example.org: 82")
        assert "A &lt;b&gt;&amp;" in html
        assert "<b>" not in html
        headers: Message = mail.outbox[0].message()
        assert headers["Bcc"] is None


@pytest.mark.usefixtures("db")
class TestDelivery:
    def test_owners_billing_members_and_the_accounts_address_each_once(self) -> None:
        account = customer(email="Owner@acme.example")
        for role in Role:
            make_member(account, role)
        gone = make_member(account, Role.OWNER, "gone@acme.example")
        gone.is_active = False
        gone.save()
        found = recipients(account, Mail.LIMIT)
        assert [one.address for one in found] == ["billing@acme.example", "owner@acme.example"]

    def test_once_and_what_was_passed_together_is_one_mail(self) -> None:
        account = reach()
        assert send_alerts(account) == 1
        assert send_alerts(account) == 0
        assert [(alert.threshold, alert.error, bool(alert.sent_at)) for alert in Alert.objects.all()] == [
            (80, "", True),
            (50, "", True),
        ]
        assert Alert.objects.first().recipients == ["billing@acme.example"]

    def test_thresholds_that_were_passed_one_after_the_other_are_mails_of_their_own(self) -> None:
        account = reach(tokens=250)
        use(account, tokens=150)
        raise_alerts(account, timezone.now())
        assert send_alerts(account) == 2
        first, second = mail.outbox
        assert (f"50{NARROW}%" in first.subject, f"80{NARROW}%" in second.subject) == (True, True)
        assert first.extra_headers["Message-ID"] != second.extra_headers["Message-ID"]

    def test_a_failed_mail_is_kept_and_sent_later_with_the_same_message_id(self) -> None:
        account = reach()
        broken = {
            "default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": {"port": 1}}
        }
        with override_settings(MAILERS=broken):
            assert send_alerts(account) == 0
        waiting = list(Alert.objects.filter(sent_at=None).exclude(error=""))
        assert len(waiting) == 2
        assert send_alerts(account) == 1
        highest = max(waiting, key=lambda alert: alert.threshold)
        assert mail.outbox[0].extra_headers["Message-ID"] == f"<alert-{highest.pk}@localhost>"
        assert not Alert.objects.exclude(error="").exists()


class _Mailbox(BaseEmailBackend):
    """A mail server that knows all but one mailbox."""

    def send_messages(self, email_messages: Any) -> int:
        for message in email_messages:
            if message.to == ["gone@acme.example"]:
                raise SMTPRecipientsRefused({"gone@acme.example": (550, b"5.1.1 Mailbox unknown")})
            mail.outbox.append(message)
        return len(email_messages)


@pytest.mark.usefixtures("db")
def test_one_bad_address_holds_up_no_other_and_is_named() -> None:
    account = reach(tokens=250)
    make_member(account, Role.OWNER, "gone@acme.example")
    make_member(account, Role.BILLING, "nora@acme.example")
    with override_settings(MAILERS={"default": {"BACKEND": f"{__name__}._Mailbox"}}):
        assert send_alerts(account) == 2
        assert send_alerts(account) == 0, "who had it has it once"
    alert = Alert.objects.get()
    assert (alert.sent_at, alert.error) == (None, "gone@acme.example: 550 5.1.1 Mailbox unknown")
    assert alert.recipients == ["billing@acme.example", "nora@acme.example"]
    assert [one.to for one in mail.outbox] == [["billing@acme.example"], ["nora@acme.example"]]
    assert send_alerts(account) == 1
    assert {one.extra_headers["Message-ID"] for one in mail.outbox} == {f"<alert-{alert.pk}@localhost>"}
    alert.refresh_from_db()
    assert (bool(alert.sent_at), alert.error) == (True, "")


def test_a_mail_that_another_is_sending_is_left_to_it_with_all_its_thresholds(committed: str) -> None:
    with installation_scope():
        account = reach()

    def elsewhere(work: Callable[[], object]) -> None:
        def run() -> None:
            try:
                with account_scope(account.pk):
                    work()
            finally:
                connection.close()

        thread = Thread(target=run)
        thread.start()
        thread.join()

    taken: list[int] = []
    with account_scope(account.pk):
        list(Alert.objects.filter(threshold=80).select_for_update())
        elsewhere(lambda: taken.append(send_alerts(account)))
    assert (taken, mail.outbox) == ([0], []), "50 and 80 are one mail, about 80"
    elsewhere(lambda: taken.append(send_alerts(account)))
    assert (taken, len(mail.outbox)) == ([0, 1], 1)


def test_two_senders_send_one_mail(committed: str) -> None:
    with installation_scope():
        account = reach()

    def work() -> int:
        with account_scope(account.pk):
            return send_alerts(account)

    assert sum(at_once(*[work] * 4)) == 1
