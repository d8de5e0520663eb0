"""`verify` goes red after each kind of tampering by the tables' owner, and names the document."""

import io
import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from accounts.scope import account_scope, installation_scope
from billing.invoices.actions import bill_account, credit_note
from billing.invoices.models import Invoice
from billing.invoices.pdf import ensure_document
from billing.plans.actions import load_catalog, redeem
from tests.invoices import world
from tests.invoices.world import utc


@pytest.fixture
def invoice(committed: str) -> Invoice:
    """The second invoice of an account: usage of February and the base price of March, less a coupon."""
    with installation_scope():
        world.load()
        load_catalog({"catalog": 1, "coupons": [{"code": "TEN", "amount": "10.00", "currency": "EUR"}]})
        account = world.customer()
        redeem(account, "TEN", at=utc(2026, 1, 1))
        world.on_plan(account, "team", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 3), output_tokens=3_000_000, input_tokens=1_234_567)
    world.use(account, utc(2026, 2, 9, 11, 30), output_tokens="17.5", input_tokens=1)
    issued = bill_account(account, utc(2026, 3, 1))
    ensure_document(issued[1])
    return issued[1]


type Change = tuple[str, list[object]]

TABLES = (
    *("invoices_invoice", "invoices_invoiceline", "invoices_invoicedocument"),
    *("invoices_ledgertransaction", "invoices_ledgerentry"),
)


def tamper(*statements: Change) -> None:
    """As the owner of the tables, with their triggers switched off."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET plainbill.account = '*'")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement, parameters in statements:
            cursor.execute(statement, parameters or None)
            assert cursor.rowcount, statement
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def keep() -> None:
    tamper(*((f"CREATE TABLE kept_{table} AS SELECT * FROM {table}", []) for table in TABLES))


def put_back() -> None:
    """All tables as they were kept."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET plainbill.account = '*'")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table in reversed(TABLES):
            cursor.execute(f"DELETE FROM {table}")
        for table in TABLES:
            cursor.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def verify(*arguments: str) -> str:
    out = io.StringIO()
    call_command("verify", *arguments, stdout=out)
    return out.getvalue()


def red(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        verify(*arguments)
    assert caught.value.returncode == 1
    return str(caught.value)


LINE = "UPDATE invoices_invoiceline SET {} WHERE invoice_id = %s AND position = 1"
UNPOSTED = """DELETE FROM invoices_ledgerentry WHERE transaction_id =
              (SELECT id FROM invoices_ledgertransaction WHERE document_id = %s)"""
FORGOTTEN = "DELETE FROM invoices_ledgertransaction WHERE document_id = %s"
GONE = "DELETE FROM invoices_invoiceline WHERE invoice_id = %s AND {}"
HEAD = """UPDATE invoices_invoice SET subtotal = subtotal + %s, tax_total = tax_total + %s, total = total + %s,
          amount_due = amount_due + %s, snapshot = jsonb_set(snapshot, '{{taxes}}', %s::jsonb) WHERE id = %s"""


def put_right(invoice: Invoice, net: str) -> Change:
    """The sums of the document and its tax, as if its lines came to `net` more."""
    more, tax = Decimal(net), Decimal(net) / 5
    taxes = json.loads(json.dumps(invoice.snapshot["taxes"]))
    taxes[0]["taxable"] = f"{Decimal(taxes[0]['taxable']) + more:.2f}"
    taxes[0]["amount"] = f"{Decimal(taxes[0]['amount']) + tax:.2f}"
    return HEAD.replace("{{", "{").replace("}}", "}"), [
        more,
        tax,
        more + tax,
        more + tax,
        json.dumps(taxes),
        invoice.pk,
    ]


def more_discount(invoice: Invoice, net: str) -> Change:
    """`net` more off than the coupon gives, and every sum of the document right for that."""
    more, tax = Decimal(net), Decimal(net) / 5
    told = json.loads(json.dumps(invoice.snapshot))
    (discount,), (rate,) = told["discounts"], told["taxes"]
    for row, name, change in (
        (discount, "amount", more),
        (rate, "discount", more),
        (rate, "taxable", -more),
        (rate, "amount", -tax),
    ):
        row[name] = f"{Decimal(row[name]) + change:.2f}"
    return (
        """UPDATE invoices_invoice SET tax_total = tax_total - %s, total = total - %s, amount_due = amount_due - %s,
           snapshot = %s::jsonb WHERE id = %s""",
        [tax, more + tax, more + tax, json.dumps(told), invoice.pk],
    )


GAVE = """UPDATE invoices_invoice SET snapshot = jsonb_set(snapshot, '{coupons,0,discount}', '"9"') WHERE id = %s"""


def changes(invoice: Invoice, first: Invoice) -> dict[str, tuple[list[Change], str]]:
    """What an owner of the tables might do, and what `verify` must say."""
    number, one = invoice.number, [invoice.pk]
    return {
        "amount": ([(LINE.format("amount = amount + 1"), one)], number),
        "quantity": ([(LINE.format("quantity = quantity + 1"), one)], f"{number}: line 1"),
        "exact": ([(LINE.format("exact_amount = exact_amount + 0.000000000001"), one)], f"{number}: line 1"),
        "working": ([(LINE.format("tiers = '[]'"), one)], f"{number}: line 1: its working"),
        "amount and sums": (
            [
                (LINE.format("amount = amount + 10, exact_amount = exact_amount + 10"), one),
                put_right(invoice, "10"),
            ],
            f"{number}: usage output_tokens",
        ),
        "first line": ([(GONE.format("position = 1"), one)], number),
        "last line": ([(GONE.format("position = 3"), one)], number),
        "base line and sums": (
            [(GONE.format("kind = 'base'"), one), put_right(invoice, "-49")],
            "base price: 49 agreed, 0 on paper",
        ),
        "amount due": (
            [("UPDATE invoices_invoice SET amount_due = 0 WHERE id = %s", one)],
            f"{number}: amount due",
        ),
        "discount and sums": (
            [more_discount(invoice, "5")],
            f"{number}: coupon TEN: 10 by its lines, 15 on paper",
        ),
        "what the coupon gave": ([(GAVE, one)], f"{number}: what its coupons gave in each period"),
        "what it gave before": ([(GAVE, [first.pk])], "F-000001: what its coupons gave in each period"),
        "number": (
            [("UPDATE invoices_invoice SET number = 'F-000009' WHERE id = %s", one)],
            "F-000009: its number",
        ),
        "removed document": (
            [
                (UNPOSTED, [first.pk]),
                (FORGOTTEN, [first.pk]),
                (GONE.format("true"), [first.pk]),
                ("DELETE FROM invoices_invoice WHERE id = %s", [first.pk]),
            ],
            "series F: 2 numbers were given, 1 documents are there, from 2 to 2",
        ),
        "ledger's entry": (
            [("UPDATE invoices_ledgerentry SET amount = amount + 1 WHERE invoice_id = %s", one)],
            "entries sum to 1, not to zero",
        ),
        "ledger's transaction": (
            [(UNPOSTED, one), (FORGOTTEN, one)],
            f"{number}: the ledger says nothing of it",
        ),
        "PDF": (
            [("UPDATE invoices_invoicedocument SET pdf = pdf || 'x'::bytea WHERE invoice_id = %s", one)],
            "its PDF",
        ),
    }


def test_every_kind_of_tampering_is_found(invoice: Invoice, subtests: pytest.Subtests) -> None:
    assert "2 documents verified" in verify()
    assert "1 documents verified" in verify("--invoice", invoice.number)
    with account_scope(invoice.account_id):
        first = Invoice.objects.get(number="F-000001")
    keep()
    for name, (statements, said) in changes(invoice, first).items():
        with subtests.test(name):
            tamper(*statements)
            assert said in red()
            if said.startswith(invoice.number):
                assert said in red("--invoice", invoice.number)
            put_back()
    assert "2 documents verified" in verify()


def test_switched_off_triggers(invoice: Invoice) -> None:
    with connections["owner"].cursor() as cursor:
        for trigger, table in (("issued_line_stays", TABLES[1]), ("invoice_adds_up", TABLES[0])):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
            assert trigger in red()
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
    verify()


def test_lost_event(invoice: Invoice) -> None:
    """The day totals still have it, the events have not: only who reads events sees that."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET plainbill.account = '*'")
        cursor.execute(
            "DELETE FROM usage_event WHERE data ? 'output_tokens' AND data ->> 'output_tokens' = '17.5'"
        )
        assert cursor.rowcount == 1
    assert invoice.number in red()


def test_unknown_number(committed: str) -> None:
    with pytest.raises(CommandError, match="there is no such document"):
        verify("--invoice", "F-999999")


def test_a_credit_note_is_held_against_its_invoice(invoice: Invoice, subtests: pytest.Subtests) -> None:
    with installation_scope():
        part = {invoice.lines.get(position=1).pk: Decimal("20.00")}
        note = credit_note(invoice, part, reason="An outage", by=None)
    assert "3 documents verified" in verify()
    keep()
    one = [note.pk]
    whole: dict[str, tuple[list[Change], str]] = {
        "its discount": ([more_discount(note, "-1")], "its discounts and taxes are not those"),
        "its amount": (
            [
                (LINE.format("amount = amount + 100, exact_amount = exact_amount + 100"), one),
                put_right(note, "100"),
            ],
            f"it gives back more than invoice {invoice.number} charged: 45 was left",
        ),
        "what it settles": (
            [
                (
                    "UPDATE invoices_invoice SET amount_due = 1, credits_applied = total - 1 WHERE id = %s",
                    [invoice.pk],
                )
            ],
            "taken off, of 1 to pay",
        ),
    }
    for name, (statements, said) in whole.items():
        with subtests.test(name):
            tamper(*statements)
            out = io.StringIO()
            with pytest.raises(CommandError):
                call_command("verify", stdout=out)
            assert said in out.getvalue()
            put_back()
    assert "3 documents verified" in verify()
