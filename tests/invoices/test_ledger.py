"""The ledger: what is written of each document, the oldest credit first, books that balance after everything."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, connections, transaction
from django.db.models import Sum
from django.utils import timezone

from accounts.models import Account, User
from accounts.scope import account_scope, installation_scope
from billing.invoices.actions import adjust, bill_account, credit_note, record_payment
from billing.invoices.errors import EntryError
from billing.invoices.ledger.credit import Use, credit_left, credit_uses
from billing.invoices.ledger.models import LedgerEntry, LedgerTransaction
from billing.invoices.ledger.postings import Posting, post
from billing.invoices.models import Invoice
from billing.invoices.queries import open_amount, status
from billing.invoices.standing import standing
from billing.invoices.verify import steps, verify
from tests.invoices import world
from tests.invoices.world import utc

D = Decimal


@pytest.fixture
def account(db: None) -> Account:
    world.load()
    found = world.customer()
    world.on_plan(found, "team", utc(2026, 1, 1))
    return found


def books(account: Account) -> dict[str, str]:
    rows = LedgerEntry.objects.filter(account=account).order_by("book").values_list("book")
    return {book: f"{sum_:.2f}" for book, sum_ in rows.annotate(sum=Sum("amount")) if sum_}


def differences() -> list[str]:
    return [str(each) for step in steps() for each in verify(step)]


def pay(invoice: Invoice, amount: Decimal) -> None:
    record_payment(invoice, amount, datetime.now(UTC))


def test_what_is_written_of_each_kind(account: Account) -> None:
    """A base price of 49.00 and 20 %: owed, paid in part, taken back, and the credit used by the next one."""
    first = bill_account(account, utc(2026, 1, 2))[0]
    assert books(account) == {"receivable": "58.80", "revenue": "-49.00", "tax": "-9.80"}
    pay(first, D("18.80"))
    assert books(account) == {"bank": "18.80", "receivable": "40.00", "revenue": "-49.00", "tax": "-9.80"}
    note = credit_note(first, reason="Wrong plan", by=None)
    assert books(account) == {"bank": "18.80", "credit": "-18.80"}
    second = bill_account(account, utc(2026, 2, 1))[0]
    assert books(account) == {"bank": "18.80", "receivable": "40.00", "revenue": "-49.00", "tax": "-9.80"}
    assert second.snapshot["credit_used"] == [{"number": note.number, "amount": "18.80", "tax": "0.00"}]
    assert list(LedgerTransaction.objects.values_list("kind", flat=True)) == [
        "invoice", "payment", "credit_note", "invoice"]  # fmt: skip
    assert differences() == []


def test_the_oldest_credit_is_used_first(account: Account) -> None:
    invoices = bill_account(account, utc(2026, 2, 1))
    notes = []
    for invoice in invoices:
        pay(invoice, invoice.amount_due)
        (base,) = invoice.lines.all()
        notes.append(credit_note(invoice, {base.pk: D(30)}, reason="Half of it", by=None))
    third, fourth = bill_account(account, utc(2026, 4, 1))
    told = [
        [(use["number"], use["amount"]) for use in each.snapshot["credit_used"]] for each in (third, fourth)
    ]
    assert told == [[(notes[0].number, "36.00"), (notes[1].number, "22.80")], [(notes[1].number, "13.20")]]
    assert (third.amount_due, fourth.amount_due) == (0, D("45.60"))
    assert credit_left(account.pk) == 0
    with pytest.raises(ValueError, match="more credit is used than there is"):
        credit_uses(account.pk, D(1))
    assert differences() == []


def immediately(write: object) -> None:
    """Write, and let the checks of the commit run."""
    with transaction.atomic():
        write()  # type: ignore[operator]
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_database_refuses_what_does_not_balance(account: Account) -> None:
    """One-sided, overdrawn, more than is owed: whatever the code would write."""
    invoice = bill_account(account, utc(2026, 1, 2))[0]
    now = timezone.now()
    source = LedgerTransaction.objects.get().pk

    def one_sided() -> None:
        post(
            Posting(
                kind="payment", account_id=account.pk, amounts={"paid": D(5)}, at=now, receivable=invoice.pk
            )
        )
        LedgerEntry.objects.create(
            transaction=LedgerTransaction.objects.last(),
            account=account,
            book="bank",
            amount=1,  # type: ignore[misc]
        )

    def overdrawn() -> None:
        uses = [Use(source, "", D(5), D(0))]
        post(Posting(kind="refund", account_id=account.pk, amounts={"used": D(5)}, at=now, uses=uses))

    def overpaid() -> None:
        post(
            Posting(
                kind="payment",
                account_id=account.pk,
                amounts={"paid": D("58.81")},
                at=now,
                receivable=invoice.pk,
            )
        )

    for write, said in (
        (one_sided, "not to zero"),
        (overdrawn, "more credit than"),
        (overpaid, "more than is owed"),
    ):
        with pytest.raises(DatabaseError, match=said):
            immediately(write)
    assert differences() == []


def add_entry(account: Account) -> None:
    with account_scope(account.pk):
        old = LedgerTransaction.objects.get()
        LedgerEntry.objects.create(transaction=old, account=account, book="bank", amount=1)


def test_no_entry_joins_later(committed: str) -> None:
    with installation_scope():
        world.load()
        account = world.customer()
        world.on_plan(account, "team", utc(2026, 1, 1))
    bill_account(account, utc(2026, 1, 2))
    with pytest.raises(DatabaseError, match="no entry joins a transaction later"):
        add_entry(account)


def test_documents_that_are_older_than_the_ledger_are_written(committed: str) -> None:
    """The migration writes what the actions write."""
    with installation_scope():
        world.load()
        account = world.customer()
        world.on_plan(account, "team", utc(2026, 1, 1))
    first, second = bill_account(account, utc(2026, 2, 1))
    pay(first, first.amount_due)
    pay(second, D("8.80"))
    with installation_scope():
        credit_note(first, reason="Wrong", by=None)
        credit_note(second, reason="Wrong", by=None)
    bill_account(account, utc(2026, 4, 1))
    with installation_scope():
        before = written()
    assert len(before) == 8
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET plainbill.account = '*'")
        for table in ("invoices_ledgerentry", "invoices_ledgertransaction"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"DELETE FROM {table}")
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    with transaction.atomic("owner"), connections["owner"].schema_editor() as editor:
        import_module("billing.invoices.migrations.0009_ledger_of_documents").write(apps, editor)
    with installation_scope():
        assert written() == before
    assert differences() == []


def written() -> set[tuple[object, ...]]:
    """Each transaction with its books, and what paid it."""
    found = set()
    for one in LedgerTransaction.objects.prefetch_related("entries__credit"):
        sides = sorted(
            (entry.book, entry.amount, entry.invoice_id, entry.credit and entry.credit.document_id)
            for entry in one.entries.all()
        )
        found.add((one.kind, one.document_id, one.payment_id, *sides))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_books_balance_after_anything(account: Account, seed: int) -> None:
    """Months, adjustments, payments and credit notes at random."""
    chance, month = random.Random(seed), utc(2026, 1, 2)
    kim = User.objects.create_superuser("kim@seller.example", "x")
    for _ in range(14):
        invoices = list(Invoice.objects.filter(account=account, kind="invoice"))
        act = chance.random()
        if act < 0.35 or not invoices:
            bill_account(account, month)
            month += timedelta(days=31)
        elif act < 0.5:
            adjust(account, D(chance.choice(["-80", "-10", "25.5"])), {"en": "x"}, "", reason="x", by=kim)
        else:
            invoice = chance.choice(invoices)
            left = open_amount(invoice)
            if act < 0.75 and left:
                pay(invoice, chance.choice([left, D("0.01")]))
            else:
                take_back(invoice, chance)
        check(account)
    assert differences() == []


def take_back(invoice: Invoice, chance: random.Random) -> None:
    rows = list(invoice.lines.all())
    parts = {row.pk: D(chance.randint(0, 100)) * row.amount / 200 for row in chance.sample(rows, 1)}
    parts = {pk: round(amount, 2) for pk, amount in parts.items()}
    try:
        credit_note(invoice, chance.choice([None, parts]), reason="Random", by=None)
    except EntryError:
        return


def check(account: Account) -> None:
    found = LedgerEntry.objects.filter(account=account).aggregate(sum=Sum("amount"))["sum"] or D(0)
    assert found == 0
    assert credit_left(account.pk) >= 0
    invoices = list(Invoice.objects.filter(account=account, kind="invoice"))
    owed = dict(
        LedgerEntry.objects.filter(book="receivable")
        .order_by()
        .values_list("invoice")
        .annotate(sum=Sum("amount"))
    )
    for invoice in invoices:
        known = standing(invoice)
        assert known.credited <= invoice.total
        assert owed.get(invoice.pk, D(0)) == open_amount(invoice)
        if invoice.total and known.credited == invoice.total:
            assert (status(invoice), open_amount(invoice)) == ("void", 0)
