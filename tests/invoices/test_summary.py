"""The day's mail to staff: what was billed and who could not be."""

from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Account, User
from accounts.scope import installation_scope
from billing.invoices.actions import bill_account
from billing.invoices.models import BillingSummary, Invoice
from billing.invoices.run import bill_accounts
from billing.invoices.summary import SHOWN, send_summary
from tests.invoices import world
from tests.invoices.world import utc

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def begun() -> datetime:
    """Since when documents are told."""
    world.load()
    User.objects.create_superuser("staff@example.com", "a long password")
    now = timezone.now()
    assert not send_summary(now), "what was before the first one is not told"
    mail.outbox = []
    return now


def billed(code: str, plan: str, **fields: str) -> Account:
    account = world.customer(code, **fields)
    world.on_plan(account, plan, utc(2026, 1, 1))
    bill_account(account, utc(2026, 1, 2))
    return account


def test_documents_and_sums_by_kind_and_currency(begun: datetime) -> None:
    for code in ("one", "two"):
        billed(code, "team")
    billed("three", "yen", currency="JPY")
    euros, yen = (
        sum(Invoice.objects.filter(currency=currency).values_list("total", flat=True))
        for currency in ("EUR", "JPY")
    )
    assert send_summary(timezone.now())
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["staff@example.com"], "3 documents were issued")
    html = sent.alternatives[0].content
    for text in (sent.body, html):
        assert f"2 invoices, {euros:.2f} EUR" in text
        assert f"1 invoice, {yen:.0f} JPY" in text
        assert "could not be billed" not in text
    assert not send_summary(timezone.now()), "once"


def test_who_could_not_be_billed_is_told_each_day(begun: datetime) -> None:
    accounts = [billed(f"c{number:02}", "team") for number in range(SHOWN + 2)]
    Account.objects.update(currency="XXX")
    list(bill_accounts(accounts, utc(2026, 2, 2)))
    for day in (1, 2):
        assert send_summary(timezone.now() + timedelta(days=day))
    first, second = mail.outbox
    assert first.subject == second.subject == f"Accounts that could not be billed: {SHOWN + 2}"
    assert "c00" in first.body
    assert "and 2 more" in first.body
    assert f"{SHOWN + 2} invoices" in first.body
    assert "invoices" not in second.body.replace("/admin/invoices/", "")


def test_nothing_is_told_of_nothing_or_to_nobody(begun: datetime) -> None:
    assert not send_summary(timezone.now())
    billed("one", "team")
    with installation_scope():
        User.objects.update(is_superuser=False)
    assert not send_summary(timezone.now())
    User.objects.update(is_superuser=True)
    assert send_summary(timezone.now()), "it was kept for who came"


def test_a_mail_that_fails_is_sent_again_under_the_same_id(
    begun: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    billed("one", "team")
    tried = []

    def fail(message: mail.EmailMultiAlternatives) -> None:
        tried.append(message.extra_headers["Message-ID"])
        raise OSError("no mail server")

    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.EmailMultiAlternatives.send", fail)
        with pytest.raises(OSError, match="no mail server"):
            send_summary(timezone.now())
    assert BillingSummary.objects.count() == 1
    assert send_summary(timezone.now())
    assert [mail.outbox[0].extra_headers["Message-ID"]] == tried
