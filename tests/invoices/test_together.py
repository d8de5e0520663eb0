"""Billing at once: one document per period, numbers without gaps, whoever runs it how often."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, User
from accounts.scope import account_scope, installation_scope
from billing.invoices.actions import bill_account
from billing.invoices.models import Invoice, InvoiceDocument, InvoiceLine, ParkedAccount
from billing.invoices.pdf import ensure_document
from billing.invoices.run import PARKED_FOR, accounts_due, bill_accounts
from portal.worker.jobs import bill
from tests.invoices import world
from tests.invoices.world import utc
from tests.together import at_once


@pytest.fixture
def accounts(committed: str) -> Iterator[list[Account]]:
    with installation_scope():
        world.load()
        found = [world.customer(f"c{n:02d}") for n in range(16)]
        for account in found:
            world.on_plan(account, "team", utc(2026, 1, 1))
    for account in found:
        world.use(account, utc(2026, 1, 9), input_tokens=400_000)
    return found


def numbers() -> list[int]:
    with installation_scope():
        return list(Invoice.objects.order_by("sequence").values_list("sequence", flat=True))


def test_one_account_billed_by_eight_at_once(accounts: list[Account]) -> None:
    account, as_of = accounts[0], utc(2026, 4, 1)
    at_once(*[lambda: bill_account(account, as_of)] * 8)
    with account_scope(account.pk):
        issued = list(Invoice.objects.order_by("sequence"))
        bases = InvoiceLine.objects.filter(kind="base").count()
        used = InvoiceLine.objects.filter(kind="usage").count()
    assert [invoice.sequence for invoice in issued] == [1, 2, 3, 4]  # January's base, and three closings
    assert (bases, used) == (4, 1)
    assert bill_account(account, as_of) == []


def test_sixteen_issues_at_once_leave_no_gap(accounts: list[Account]) -> None:
    works = [lambda account=account: bill_account(account, utc(2026, 2, 1)) for account in accounts]
    at_once(*works)
    assert numbers() == list(range(1, 33))


def test_two_runs_at_once(accounts: list[Account]) -> None:
    as_of = utc(2026, 2, 1)

    def run() -> int:
        return sum(len(outcome.invoices) for outcome in bill_accounts(accounts_due(as_of), as_of))

    assert sum(at_once(run, run)) == 32
    assert numbers() == list(range(1, 33))
    assert run() == 0


def test_numbers_rise_with_dates(accounts: list[Account]) -> None:
    at_once(*(lambda account=account: bill_account(account, utc(2026, 2, 1)) for account in accounts))
    with installation_scope():
        dates = list(Invoice.objects.order_by("sequence").values_list("issued_at", flat=True))
    assert dates == sorted(dates)


def test_a_rolled_back_issue_gives_its_number_back(accounts: list[Account]) -> None:
    account = accounts[0]
    with account_scope(account.pk):
        assert bill_account(account, utc(2026, 1, 2))[0].number == "F-000001"
        transaction.set_rollback(True)
    assert bill_account(account, utc(2026, 1, 2))[0].number == "F-000001"


def test_a_failing_account_stops_nobody(accounts: list[Account]) -> None:
    with installation_scope():
        Account.objects.filter(pk=accounts[3].pk).update(currency="XXX")
    outcomes = list(bill_accounts(accounts_due(utc(2026, 2, 1)), utc(2026, 2, 1)))
    failed = [outcome for outcome in outcomes if outcome.error]
    assert [outcome.account.code for outcome in failed] == ["c03"]
    assert sum(len(outcome.invoices) for outcome in outcomes) == 30
    assert numbers() == list(range(1, 31))


def test_the_schedule_bills_an_account_that_somebody_holds_for_a_moment(accounts: list[Account]) -> None:
    """As whoever asks first after a period's end does: he stores the new one."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with account_scope(accounts[0].pk):
            Account.objects.select_for_update(no_key=True).get(pk=accounts[0].pk)
            held.set()
            done.wait(1)

    def run() -> None:
        assert held.wait(10)
        bill()

    at_once(hold, run)
    with installation_scope():
        assert Invoice.objects.filter(account=accounts[0]).exists()


class TestParking:
    def test_who_fails_waits_an_hour_and_is_free_once_billed(
        self, accounts: list[Account], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        as_of, failing = utc(2026, 2, 1), accounts[3]
        with installation_scope():
            Account.objects.filter(pk=failing.pk).update(currency="XXX")
        for tries in (1, 2):
            list(bill_accounts(accounts_due(as_of), as_of))
            with installation_scope():
                (parked,) = ParkedAccount.objects.all()
            assert (parked.account, parked.tries) == (failing, tries)
            assert parked.next_try_at - parked.last_tried_at == PARKED_FOR
            assert "XXX" in parked.error
        assert accounts_due(as_of) == [failing]
        now = timezone.now()
        assert accounts_due(now, parked=False) == [each for each in accounts if each != failing]
        assert failing in accounts_due(now + PARKED_FOR, parked=False)
        with installation_scope():
            Account.objects.filter(pk=failing.pk).update(currency="EUR")
        (outcome,) = bill_accounts(accounts_due(as_of), as_of)
        assert len(outcome.invoices) == 2
        with installation_scope():
            assert not ParkedAccount.objects.exists()

    def test_staff_see_why_and_bill_again(self, accounts: list[Account], client: Client) -> None:
        as_of, failing = timezone.now(), accounts[3]
        with installation_scope():
            Account.objects.filter(pk=failing.pk).update(currency="XXX")
            staff = User.objects.create_superuser("staff@example.com", "a long password")
        list(bill_accounts([failing], as_of))
        client.force_login(staff)
        assert "1 account could not be billed" in client.get(reverse("admin:index")).text
        page = reverse("admin:invoices_parkedaccount_changelist")
        assert "XXX" in client.get(page).text
        again = {"action": "bill_again", "_selected_action": [failing.pk]}
        assert "could still not be billed" in client.post(page, again, follow=True).text
        with installation_scope():
            Account.objects.filter(pk=failing.pk).update(currency="EUR")
        assert "1 account is billed again" in client.post(page, again, follow=True).text
        with account_scope(failing.pk):
            assert Invoice.objects.filter(account=failing).exists()


def test_only_who_owes_something_is_looked_at(accounts: list[Account]) -> None:
    as_of = utc(2026, 2, 1)
    list(bill_accounts(accounts_due(as_of), as_of))
    assert accounts_due(as_of) == []
    assert accounts_due(utc(2026, 2, 28)) == []
    assert accounts_due(utc(2026, 3, 1)) == accounts, "the periods of March have no rows yet"


def test_a_pdf_asked_for_by_four_at_once_is_stored_once(accounts: list[Account]) -> None:
    invoice = bill_account(accounts[0], utc(2026, 1, 2))[0]
    documents = at_once(*[lambda: bytes(ensure_document(invoice).pdf)] * 4)
    assert len(set(documents)) == 1
    with installation_scope():
        assert InvoiceDocument.objects.count() == 1


def test_events_and_billing_at_once_lose_nothing(accounts: list[Account]) -> None:
    """What arrives while its period is closed is in this invoice or late usage of the next one."""
    with installation_scope():
        account = world.customer("busy")
        start = timezone.now() - timedelta(days=20)
        world.on_plan(account, "free", start)
    as_of = timezone.now() + timedelta(days=20)  # closes the running period, as a test site may

    def send() -> None:
        for n in range(40):
            world.use(account, start + timedelta(hours=n), input_tokens=1_000_000)

    at_once(send, send, lambda: bill_account(account, as_of))
    bill_account(account, as_of + timedelta(days=40))
    with account_scope(account.pk):
        lines = InvoiceLine.objects.filter(kind__in=("usage", "late_usage"))
        assert sum(line.quantity or 0 for line in lines) == 80_000_000
        assert sum(line.amount for line in lines) == 200
