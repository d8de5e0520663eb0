"""What customers see of credit: the balance and its history, credit notes beside their invoices, what is void."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import Account, Role
from billing.invoices.actions import (
    bill_account,
    credit_note,
    record_payment,
    record_prepayment,
    refund_credit,
)
from billing.invoices.models import Invoice
from portal.pages.credit import credit_of
from tests.factories import make_member
from tests.invoices import world
from tests.invoices.world import utc

pytestmark = pytest.mark.usefixtures("db")

LIST = "/billing/invoices/"


@pytest.fixture
def account() -> Account:
    world.load()
    found = world.customer()
    world.on_plan(found, "team", utc(2026, 1, 1))
    return found


@pytest.fixture
def customer(account: Account) -> Client:
    client = Client()
    client.force_login(make_member(account, Role.OWNER))
    return client


@pytest.fixture
def invoice(account: Account) -> Invoice:
    return bill_account(account, utc(2026, 1, 2))[0]


def test_nothing_is_said_of_credit_that_never_was(customer: Client, invoice: Invoice) -> None:
    text = customer.get(LIST).text
    assert invoice.number in text
    assert "Your credit" not in text


def test_the_history_adds_up_to_what_is_left(customer: Client, account: Account, invoice: Invoice) -> None:
    record_payment(invoice, invoice.amount_due, datetime.now(UTC))
    note = credit_note(invoice, reason="Goodwill", by=None)
    prepaid = record_prepayment(account, Decimal(60), utc(2026, 1, 5), reference="SEPA 1", by=None)
    refund_credit(account, Decimal("8.80"), reference="SEPA back", by=None)
    [used] = bill_account(account, utc(2026, 2, 1))
    credit = credit_of(account)
    told = [(row.words, row.number, f"{row.amount:.2f}", f"{row.left:.2f}") for row in credit.rows]
    assert told == [
        ("Used by an invoice", used.number, "-58.80", "51.20"),
        ("Paid out: SEPA back", "", "-8.80", "110.00"),
        ("Prepayment", prepaid.number, "60.00", "118.80"),
        ("Credit note", note.number, "58.80", "58.80"),
    ]
    text = customer.get(LIST).text
    for said in ("Your credit", "€51.20", "Paid out: SEPA back", f"for {invoice.number}", "Void"):
        assert said in text
    page = customer.get(f"{LIST}{used.number}/").text
    for said in (f"Credit of {note.number}", f"Credit of {prepaid.number}", "−€50.00", "−€8.80"):
        assert said in page


def test_note_and_invoice_lead_to_each_other(customer: Client, invoice: Invoice) -> None:
    note = credit_note(invoice, {invoice.lines.get().pk: Decimal(10)}, reason="An outage", by=None)
    page = customer.get(f"{LIST}{invoice.number}/").text
    assert f'href="{LIST}{note.number}/"' in page
    assert f"Credit note {note.number}" in page
    assert "€46.80" in page, "what is still to be paid"
    page = customer.get(f"{LIST}{note.number}/").text
    assert f'href="{LIST}{invoice.number}/"' in page
    assert "An outage" in page
    assert f"Taken off {invoice.number}" in page
