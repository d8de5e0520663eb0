"""Mails about documents: what they say, to whom, when, and how often."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, User
from accounts.scope import account_scope, installation_scope
from billing.invoices.actions import bill_account, record_payment
from billing.invoices.models import Invoice
from billing.invoices.pdf import ensure_document, invoice_pdf
from billing.invoices.queries import open_amount
from billing.payments.mail import send_notices_of
from billing.payments.models import Hold, Notice
from billing.payments.notices import accounts_to_tell
from portal.worker.jobs import send_invoice_mails
from tests.factories import make_member
from tests.invoices import world
from tests.invoices.world import utc
from tests.together import at_once

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def outbox() -> list[Any]:
    mail.outbox = []
    return mail.outbox


@pytest.fixture
def account(db: None) -> Account:
    world.load()
    return world.customer(email="bills@acme.example")


def billed(account: Account, plan: str = "team") -> Invoice:
    """An issued invoice with its PDF."""
    world.on_plan(account, plan, utc(2026, 1, 1))
    invoice = bill_account(account, utc(2026, 1, 2))[0]
    ensure_document(invoice)
    return invoice


def tell(account: Account, now: datetime | None = None) -> list[str]:
    """Subjects of the mails that go out."""
    before = len(mail.outbox)
    with account_scope(account.pk):
        send_notices_of(account, now or timezone.now())
    return [each.subject for each in mail.outbox[before:]]


class TestIssued:
    def test_it_says_what_is_due_and_brings_the_document(self, account: Account) -> None:
        invoice = billed(account)
        (subject,) = tell(account)
        (sent,) = mail.outbox
        assert subject.startswith(f"Invoice {invoice.number}: €58.80, due ")
        assert sent.to == ["bills@acme.example"]
        for text in (sent.body, sent.alternatives[0].content):
            assert "over €58.80 is attached. Please pay it by" in text
            assert reverse("portal:invoice", args=[invoice.number]) in text
        (attached,) = sent.attachments
        assert tuple(attached) == (f"{invoice.number}.pdf", invoice_pdf(invoice), "application/pdf")

    def test_in_french_with_where_to_pay(self, db: None, settings: Any) -> None:
        from dataclasses import replace

        settings.SELLER = replace(settings.SELLER, iban="FR7630006000011234567890189")
        world.load()
        account = world.customer(locale="fr")
        invoice = billed(account)
        (subject,) = tell(account)
        assert (
            subject.replace("\N{NO-BREAK SPACE}", " ")
            .replace("\N{NARROW NO-BREAK SPACE}", " ")
            .startswith(f"Facture {invoice.number} : 58,80 €, à payer pour le ")
        )
        body = mail.outbox[0].body
        assert "IBAN: FR76 3000 6000" in body
        assert f"{invoice.number}" in body

    def test_each_of_owner_billing_and_the_accounts_address_has_one(self, account: Account) -> None:
        billed(account)
        make_member(account)
        tell(account)
        assert sorted(each.to[0] for each in mail.outbox) == ["bills@acme.example", "owner@acme.example"]
        assert len({each.extra_headers["Message-ID"] for each in mail.outbox}) == 1

    def test_once(self, account: Account) -> None:
        billed(account)
        assert len(tell(account)) == 1
        assert tell(account) == []
        assert accounts_to_tell(timezone.now()) == []

    def test_not_before_its_pdf_and_not_of_history(self, account: Account) -> None:
        world.on_plan(account, "team", utc(2026, 1, 1))
        invoice = bill_account(account, utc(2026, 1, 2))[0]
        assert tell(account) == []
        ensure_document(invoice)
        assert tell(account, timezone.now() + 3 * DAY) == [], "told within three days or not at all"
        assert len(tell(account)) == 1

    def test_a_credit_note_and_what_is_paid_by_credit(self, account: Account) -> None:
        from billing.plans.actions import Actor, cancel

        subscription = world.on_plan(account, "team", timezone.now() - timedelta(hours=1))
        bill_account(account, timezone.now())
        cancel(subscription, "now", actor=Actor.INSTALLATION)
        bill_account(account, timezone.now())
        world.on_plan(account, "floor", timezone.now())
        bill_account(account, timezone.now())
        for invoice in Invoice.objects.all():
            ensure_document(invoice)
        bill, note, paid = tell(account)
        assert bill.startswith("Invoice F-000001: €58.80, due")
        assert note.startswith("Credit note FC-000001: €")
        assert paid == "Invoice F-000002: €12.00, nothing to pay"

    def test_what_fails_is_tried_again_for_who_has_not_had_it(
        self, account: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        billed(account)
        make_member(account)
        send = mail.EmailMultiAlternatives.send

        def refuse(message: mail.EmailMultiAlternatives) -> int:
            if message.to == ["owner@acme.example"]:
                raise OSError("full")
            return send(message)

        with monkeypatch.context() as broken:
            broken.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
            assert len(tell(account)) == 1
        notice = Notice.objects.get()
        assert (notice.sent_at, notice.error) == (None, "owner@acme.example: OSError: full")
        assert accounts_to_tell(timezone.now()) == [account.pk]
        assert len(tell(account)) == 1
        assert mail.outbox[-1].to == ["owner@acme.example"]
        assert Notice.objects.get().error == ""


class TestReminders:
    @pytest.fixture
    def due(self, account: Account) -> datetime:
        """When the account's invoice is to be paid; its first mail has gone out."""
        invoice = billed(account)
        tell(account)
        return invoice.due_at

    def test_on_the_days_of_the_setting_each_once(self, account: Account, due: datetime) -> None:
        sent = {}
        for day in range(40):
            for hour in (0, 12):
                found = tell(account, due + day * DAY + timedelta(hours=hour))
                if found:
                    sent[day] = found
        assert list(sent) == [3, 10, 24]
        assert all(
            len(found) == 1 and found[0].startswith("Reminder: invoice F-000001") for found in sent.values()
        )
        assert "€58.80 of it is still open" in mail.outbox[-1].body

    def test_a_worker_that_was_away_sends_the_last_one_alone(self, account: Account, due: datetime) -> None:
        assert len(tell(account, due + 11 * DAY)) == 1
        assert tell(account, due + 12 * DAY) == []
        assert Notice.objects.get(kind="reminder").number == 2

    def test_the_schedule_finds_it(self, account: Account, due: datetime) -> None:
        assert accounts_to_tell(due + 4 * DAY, reminders=True) == [account.pk]
        assert accounts_to_tell(due + 2 * DAY, reminders=True) == []
        tell(account, due + 25 * DAY)
        assert accounts_to_tell(due + 30 * DAY, reminders=True) == [], "the last one is sent"

    def test_a_part_payment_is_told_and_a_whole_one_ends_it(self, account: Account, due: datetime) -> None:
        invoice = Invoice.objects.get()
        record_payment(invoice, invoice.amount_due - 10, timezone.now())
        assert "€10.00" in tell(account, due + 3 * DAY)[0]
        record_payment(invoice, open_amount(invoice), timezone.now())
        assert tell(account, due + 10 * DAY) == []

    def test_none_without_the_setting(self, account: Account, due: datetime, settings: Any) -> None:
        settings.REMINDER_DAYS = []
        assert tell(account, due + 10 * DAY) == []

    def test_none_while_a_question_is_open(self, account: Account, due: datetime) -> None:
        hold = Hold.objects.create(account=account, invoice=Invoice.objects.get(), question="Line 2?")
        assert tell(account, due + 3 * DAY) == []
        Hold.objects.filter(pk=hold.pk).update(answered_at=timezone.now())
        assert len(tell(account, due + 4 * DAY)) == 1

    def test_a_reminder_that_waits_is_dropped_once_paid(
        self, account: Account, due: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(message: mail.EmailMultiAlternatives) -> int:
            raise OSError("away")

        monkeypatch.setattr("billing.payments.notices.TELL_WITHIN", 100 * DAY)
        with monkeypatch.context() as broken:
            broken.setattr("django.core.mail.EmailMultiAlternatives.send", fail)
            assert tell(account, due + 3 * DAY) == []
        assert Notice.objects.filter(kind="reminder", sent_at=None).count() == 1
        invoice = Invoice.objects.get()
        record_payment(invoice, open_amount(invoice), timezone.now())
        assert tell(account, due + 3 * DAY) == []
        assert not Notice.objects.filter(kind="reminder").exists()


def test_staff_write_down_a_question_and_answer_it(account: Account, client: Client) -> None:
    invoice = billed(account)
    client.force_login(User.objects.create_superuser("staff@example.com", "a long password"))
    page = reverse("admin:payments_hold_add")
    client.post(page, {"invoice": str(invoice.pk), "question": "What is line 2?"})
    hold = Hold.objects.get()
    assert (hold.account, hold.created_by) == (account, User.objects.get(is_superuser=True))
    again = client.post(page, {"invoice": str(invoice.pk), "question": "And line 3?"})
    assert again.status_code == 200, "one open question holds it already: the form says so"
    client.post(
        reverse("admin:payments_hold_changelist"), {"action": "answered", "_selected_action": [hold.pk]}
    )
    assert Hold.objects.get().answered_at is not None


@pytest.fixture
def committed_account(committed: str) -> Account:
    with installation_scope():
        world.load()
        account = world.customer()
    with account_scope(account.pk):
        world.on_plan(account, "team", utc(2026, 1, 1))
    ensure_document(bill_account(account, utc(2026, 1, 2))[0])
    return account


def test_two_workers_at_once_send_one_mail(committed_account: Account) -> None:
    at_once(*[send_invoice_mails] * 3)
    assert len(mail.outbox) == 1
    with installation_scope():
        assert Notice.objects.get().sent_at is not None
