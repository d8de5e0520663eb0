"""The CSV for bookkeeping: each amount once, whose sums are the documents'."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from billing.invoices.actions import bill_account, record_payment
from billing.plans.actions import Actor, cancel
from tests.invoices import world
from tests.invoices.exports.checking import accounting
from tests.invoices.world import utc

D = Decimal


def test_rates_credit_and_payments(db: None) -> None:
    world.load(world.plan("mixed", {**world.OUT, "tax": "fr-55"}, world.IN))
    account = world.customer(name="-Atelier", tax_id="FR44732829320")
    world.on_plan(account, "mixed", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 5), output_tokens=4_000_000, input_tokens=12_345_678)
    _first, invoice = bill_account(account, utc(2026, 3, 1))
    record_payment(invoice, D("50.00"), utc(2026, 3, 9, 12), reference="=RE 7")
    rows = [row for row in accounting(account) if row["number"] == invoice.number]
    told = [[row[name] for name in ("entry", "tax_rate", "net", "tax", "gross", "payment")] for row in rows]
    assert told == [
        ["sale", "5.5", "65.00", "3.58", "68.58", ""],
        ["sale", "20", "79.86", "15.97", "95.83", ""],
        ["payment", "", "", "", "", "50.00"],
    ]
    same = {
        (row["name"], row["vat_id"], row["country"], row["customer"], row["currency"], row["kind"])
        for row in rows
    }
    assert same == {("'-Atelier", "FR44732829320", "FR", "acme", "EUR", "invoice")}
    assert (rows[2]["date"], rows[2]["text"], rows[2]["status"]) == ("2026-03-09", "manual =RE 7", "issued")


def test_a_credit_note_is_negative_and_its_credit_is_used(db: None) -> None:
    world.load()
    account, now = world.customer(), timezone.now()
    subscription = world.on_plan(account, "team", now - timedelta(days=2))
    bill_account(account, now)
    cancel(subscription, "now", actor=Actor.INSTALLATION)
    [note] = bill_account(account, timezone.now())
    world.on_plan(account, "team", timezone.now())
    [invoice] = bill_account(account, timezone.now())
    rows = {(row["number"], row["entry"]): row for row in accounting(account)}
    assert D(rows[note.number, "sale"]["gross"]) == -note.total < 0
    assert D(rows[note.number, "credit"]["credit"]) == note.total
    assert rows[note.number, "sale"]["due_date"] == ""
    assert D(rows[invoice.number, "credit"]["credit"]) == -note.total == invoice.amount_due - invoice.total
