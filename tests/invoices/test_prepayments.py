"""Money in advance: an invoice with its tax, credit that later invoices use, and no tax that is owed twice."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account
from billing.invoices.actions import (
    bill_account,
    credit_note,
    record_payment,
    record_prepayment,
    refund_credit,
)
from billing.invoices.errors import EntryError
from billing.invoices.ledger.credit import credit_left, refundable
from billing.invoices.models import Invoice
from billing.invoices.pdf import invoice_pdf
from billing.invoices.queries import open_amount, status
from tests.invoices import world
from tests.invoices.test_ledger import books, check, differences, take_back
from tests.invoices.world import utc

pytestmark = pytest.mark.usefixtures("db")
D = Decimal


@pytest.fixture
def account() -> Account:
    world.load()
    found = world.customer()
    world.on_plan(found, "team", utc(2026, 1, 1))
    return found


def prepay(account: Account, amount: str = "120.00", tax: str = "") -> Invoice:
    return record_prepayment(account, D(amount), utc(2026, 1, 1), tax, reference="SEPA 4711", by=None)


def test_it_is_invoiced_with_its_tax_paid_and_all_of_it_is_credit(account: Account) -> None:
    invoice = prepay(account)
    assert (invoice.number, invoice.subtotal, invoice.tax_total, invoice.total) == ("F-000001", 100, 20, 120)
    assert (status(invoice), open_amount(invoice), credit_left(account.pk)) == ("paid", 0, 120)
    assert books(account) == {"bank": "120.00", "credit": "-120.00", "prepaid_tax": "20.00", "tax": "-20.00"}
    assert invoice_pdf(invoice).startswith(b"%PDF")
    assert differences() == []


def test_its_tax_is_not_owed_again(account: Account) -> None:
    """Three months at 58.80 of 120.00: in the end 147.00 net came to 29.40 of tax, 20.00 of it with the prepayment."""
    prepaid = prepay(account)
    months = bill_account(account, utc(2026, 3, 1))
    told = [
        [(use["number"], use["amount"], use["tax"]) for use in each.snapshot["credit_used"]]
        for each in months
    ]
    number = prepaid.number
    assert told == [[(number, "58.80", "9.80")], [(number, "58.80", "9.80")], [(number, "2.40", "0.40")]]
    assert [each.tax_total for each in months] == [D("9.80")] * 3, "each says its whole tax"
    assert (months[-1].amount_due, credit_left(account.pk)) == (D("56.40"), 0)
    assert books(account) == {"bank": "120.00", "receivable": "56.40", "revenue": "-147.00", "tax": "-29.40"}
    assert differences() == []


@pytest.mark.parametrize(("amount", "tax"), [("0.03", ""), ("100.01", "fr-55"), ("99.99", "")])
def test_any_amount_is_received_to_the_cent(account: Account, amount: str, tax: str) -> None:
    """Where no net comes to it with its tax, the tax is what is left: a cent beside its percentage."""
    invoice = prepay(account, amount, tax)
    assert invoice.subtotal + invoice.tax_total == invoice.total == D(amount)
    assert differences() == []


def test_oldest_first_among_prepayments_and_other_credit(account: Account) -> None:
    first = bill_account(account, utc(2026, 1, 2))[0]
    record_payment(first, first.amount_due, datetime.now(UTC))
    credit_note(first, reason="Goodwill", by=None)
    prepaid = prepay(account, "30.00")
    [second] = bill_account(account, utc(2026, 2, 1))
    third = bill_account(account, utc(2026, 3, 1))[0]
    assert [use["number"] for use in second.snapshot["credit_used"]] == ["FC-000001"]
    assert [use["number"] for use in third.snapshot["credit_used"]] == [prepaid.number]
    assert differences() == []


def test_credit_is_paid_out_but_no_prepayment(account: Account) -> None:
    first = bill_account(account, utc(2026, 1, 2))[0]
    record_payment(first, first.amount_due, datetime.now(UTC))
    prepay(account, "30.00")
    credit_note(first, reason="Goodwill", by=None)
    assert (credit_left(account.pk), refundable(account.pk)) == (D("88.80"), D("58.80"))
    refund_credit(account, D("50"), reference="SEPA back", by=None)
    assert (credit_left(account.pk), refundable(account.pk)) == (D("38.80"), D("8.80"))
    for amount, reference, field in (
        (D("8.81"), "x", "amount"),
        (D(0), "x", "amount"),
        (D("1.001"), "x", "amount"),
        (D(1), " ", "reference"),
    ):
        with pytest.raises(EntryError) as caught:
            refund_credit(account, amount, reference=reference, by=None)
        assert caught.value.field == field
    assert differences() == []


def test_what_cannot_be_is_refused(account: Account) -> None:
    later = timezone.now() + timedelta(days=1)
    for amount, at, tax, field in (
        (D(-1), utc(2026, 1, 1), "", "amount"),
        (D("1.001"), utc(2026, 1, 1), "", "amount"),
        (D("NaN"), utc(2026, 1, 1), "", "amount"),
        (D(1), utc(2026, 1, 1), "none-such", "tax"),
        (D(1), later, "", "received_at"),
    ):
        with pytest.raises(EntryError) as caught:
            record_prepayment(account, amount, at, tax, by=None)
        assert caught.value.field == field
    assert not Invoice.objects.exists()
    with pytest.raises(EntryError, match="later invoices use it up"):
        credit_note(prepay(account), reason="Back", by=None)


@pytest.mark.parametrize("seed", range(3))
def test_books_balance_after_anything(account: Account, seed: int) -> None:
    """Prepayments, refunds, months, payments and credit notes at random: and in the end no tax was owed twice."""
    chance, month = random.Random(seed), utc(2026, 1, 2)
    for _ in range(16):
        invoices = list(Invoice.objects.filter(account=account, kind="invoice"))
        act = chance.random()
        if act < 0.3 or not invoices:
            bill_account(account, month)
            month += timedelta(days=31)
        elif act < 0.5:
            prepay(account, f"{chance.randint(1, 20_000) / 100:.2f}", chance.choice(["", "fr-55"]))
        elif act < 0.65 and (may := refundable(account.pk)):
            refund_credit(account, chance.choice([may, D("0.01")]), reference="Out", by=None)
        elif act < 0.8:
            invoice = chance.choice(invoices)
            if left := open_amount(invoice):
                record_payment(invoice, left, datetime.now(UTC))
        else:
            take_back(chance.choice(invoices), chance)
        check(account)
    assert differences() == []
