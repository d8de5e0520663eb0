"""The pages of staff: filled in, looked at, confirmed; refused at the field; with who did it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import Account, User
from billing.invoices.actions import (
    bill_account,
    credit_note,
    record_payment,
    record_prepayment,
    take_payment_back,
)
from billing.invoices.errors import EntryError
from billing.invoices.ledger.credit import credit_left
from billing.invoices.ledger.models import LedgerTransaction
from billing.invoices.models import Invoice, Payment
from billing.invoices.queries import open_amount, status
from billing.invoices.verify.ledger import ledger_differences
from tests.invoices import world
from tests.invoices.world import utc

pytestmark = pytest.mark.usefixtures("db")

PREPAYMENT, REFUND = "/admin/invoices/invoice/prepayment/", "/admin/invoices/ledgertransaction/refund/"
PAYMENT = "/admin/invoices/payment/add/"
RECEIVED = {"received_at_0": "2026-01-05", "received_at_1": "10:00:00"}


@pytest.fixture
def account() -> Account:
    world.load()
    found = world.customer()
    world.on_plan(found, "team", utc(2026, 1, 1))
    return found


@pytest.fixture
def invoice(account: Account) -> Invoice:
    return bill_account(account, utc(2026, 1, 2))[0]


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("kim@seller.example", "x", name="Kim Roy"))
    return client


def credit_page(invoice: Invoice) -> str:
    return reverse("admin:invoices_invoice_credit_note", args=[invoice.number])


def confirmed(staff: Client, url: str, **values: str) -> Any:
    """Fill it in, look, and confirm what is shown."""
    assert staff.get(url).status_code == 200
    shown = staff.post(url, {**values, "show": "1"})
    assert shown.context["shown"], shown.context["form"].errors
    done = staff.post(url, {**values, "quote": shown.context["shown"].quote, "confirm": "1"})
    assert done.status_code == 302, done.context["form"].errors
    return shown.context["shown"]


def refused(staff: Client, url: str, field: str, **values: str) -> None:
    answer = staff.post(url, {**values, "show": "1"})
    assert answer.status_code == 200
    assert field in answer.context["form"].errors, answer.context["form"].errors
    assert answer.context["shown"] is None


def test_a_credit_note_by_line(staff: Client, invoice: Invoice) -> None:
    line = str(invoice.lines.get().pk)
    shown = confirmed(staff, credit_page(invoice), **{line: "10", "reason": "An outage"})
    assert ("Given back", "12.00 EUR") in shown.rows
    assert ("Becomes credit", "0.00 EUR") in shown.rows
    note = Invoice.objects.get(kind="credit_note")
    assert f"{note.total:.2f}" == "12.00"
    entry = LogEntry.objects.get()
    assert (str(entry.user), entry.object_repr) == ("Kim Roy", "FC-000001")
    assert "An outage" in entry.get_change_message()
    text = staff.get(reverse("admin:invoices_invoice_change", args=[invoice.pk])).text
    assert "FC-000001" in text
    assert "Give back, wholly or by line" in text


def test_a_whole_invoice(staff: Client, invoice: Invoice) -> None:
    confirmed(staff, credit_page(invoice), whole="on", reason="Wrong")
    assert status(invoice) == "void"
    refused(staff, credit_page(invoice), "__all__", whole="on", reason="Wrong")


def test_what_changed_meanwhile_is_shown_anew(staff: Client, invoice: Invoice) -> None:
    values = {"whole": "on", "reason": "Wrong"}
    quote = staff.post(credit_page(invoice), {**values, "show": "1"}).context["shown"].quote
    record_payment(invoice, Decimal(5), datetime.now(UTC))
    answer = staff.post(credit_page(invoice), {**values, "quote": quote, "confirm": "1"})
    assert "look at it again" in answer.text
    assert ("Becomes credit", "5.00 EUR") in answer.context["shown"].rows
    assert not Invoice.objects.filter(kind="credit_note").exists()


def test_a_payment(staff: Client, invoice: Invoice) -> None:
    page = staff.get(reverse("admin:invoices_invoice_change", args=[invoice.pk])).text
    assert f"{PAYMENT}?invoice={invoice.number}&amp;amount=58.80" in page
    values = {"invoice": invoice.number, "amount": "18.80", **RECEIVED}
    shown = confirmed(staff, PAYMENT, **values)
    assert ("Still open then", "40.00 EUR") in shown.rows
    assert (Payment.objects.count(), f"{open_amount(invoice):.2f}") == (1, "40.00")
    refused(staff, PAYMENT, "amount", **{**values, "amount": "40.01"})
    refused(staff, PAYMENT, "amount", **{**values, "amount": "-1"})
    refused(staff, PAYMENT, "invoice", **{**values, "invoice": "F-999999"})
    assert staff.post(PAYMENT, {**values, "confirm": "1"}).status_code == 200, "never without a look"
    assert Payment.objects.count() == 1


def test_a_payment_is_taken_back(staff: Client, invoice: Invoice) -> None:
    paid = record_payment(invoice, Decimal("58.80"), datetime.now(UTC), reference="SEPA 1")
    page = reverse("admin:invoices_payment_take_back", args=[paid.pk])
    assert page in staff.get(reverse("admin:invoices_payment_changelist")).text
    refused(staff, page, "reason", reason=" ")
    shown = confirmed(staff, page, reason="Returned by the bank")
    assert shown.rows[1:] == [("Taken back", "58.80 EUR"), ("Still open then", "58.80 EUR")]
    assert (status(invoice), open_amount(invoice)) == ("issued", Decimal("58.80"))
    back = Payment.objects.get(reverses=paid)
    assert (back.amount, back.reference) == (Decimal("-58.80"), "Returned by the bank")
    assert list(ledger_differences(invoice.account_id)) == []
    refused(staff, page, "__all__", reason="Again")
    refused(staff, reverse("admin:invoices_payment_take_back", args=[back.pk]), "__all__", reason="It too")
    assert page not in staff.get(reverse("admin:invoices_payment_changelist")).text
    record_payment(invoice, Decimal("58.80"), datetime.now(UTC))
    assert status(invoice) == "paid"


def test_a_prepayment_is_not_taken_back(account: Account) -> None:
    invoice = record_prepayment(account, Decimal(120), datetime.now(UTC), by=None)
    with pytest.raises(EntryError, match="became credit"):
        take_payment_back(invoice.payments.get(), reason="Returned", by=None)


def test_a_payment_that_is_not_in_whole_units_is_refused(staff: Client, invoice: Invoice) -> None:
    values = {"invoice": invoice.number, "amount": "1.001", **RECEIVED}
    quote = staff.post(PAYMENT, {**values, "show": "1"}).context["shown"].quote
    answer = staff.post(PAYMENT, {**values, "quote": quote, "confirm": "1"})
    assert "amount" in answer.context["form"].errors
    assert not Payment.objects.exists()


def test_a_prepayment(staff: Client, account: Account) -> None:
    values = {"account": account.code, "amount": "120", "reference": "SEPA 1", **RECEIVED}
    shown = confirmed(staff, PREPAYMENT, **values)
    assert ("Tax: TVA 20 %", "20.00 EUR") in shown.rows
    assert credit_left(account.pk) == 120
    refused(staff, PREPAYMENT, "account", **{**values, "account": "nobody"})
    refused(staff, PREPAYMENT, "amount", **{**values, "amount": "0"})
    refused(staff, PREPAYMENT, "received_at", **{**values, "received_at_0": "2999-01-01"})
    assert "Record a prepayment" in staff.get(reverse("admin:invoices_invoice_changelist")).text


def test_a_refund(staff: Client, account: Account, invoice: Invoice) -> None:
    record_payment(invoice, invoice.amount_due, datetime.now(UTC))
    credit_note(invoice, reason="Goodwill", by=None)
    values = {"account": account.code, "amount": "8.80", "reference": "Paid back by SEPA"}
    shown = confirmed(staff, REFUND, **values)
    assert ("Credit then", "50.00 EUR") in shown.rows
    row = LedgerTransaction.objects.get(kind="refund")
    assert (row.reference, row.posted_by) == ("Paid back by SEPA", "kim@seller.example")
    refused(staff, REFUND, "amount", **{**values, "amount": "50.01"})
    assert "Paid back by SEPA" in staff.get(reverse("admin:invoices_ledgertransaction_changelist")).text
    assert staff.get(reverse("admin:invoices_ledgertransaction_change", args=[row.pk])).status_code == 200


def test_staff_without_the_rights_are_refused(invoice: Invoice) -> None:
    client = Client()
    client.force_login(User.objects.create_user("lee@seller.example", "x", is_staff=True))
    for url in (PREPAYMENT, REFUND, PAYMENT):
        assert client.get(url).status_code == 403
        assert client.post(url, {"confirm": "1"}).status_code == 403
    assert client.get(credit_page(invoice)).status_code == 404, (
        "who may not read it does not learn that it is there"
    )
