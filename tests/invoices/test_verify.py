"""`verify` goes red after each kind of tampering by the tables' owner, and names the document."""

import io
import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from accounts.scope import account_scope, installation_scope
from billing.invoices.actions import bill_account
from billing.invoices.models import Invoice
from billing.invoices.pdf import ensure_document
from tests.invoices import world
from tests.invoices.world import utc


@pytest.fixture
def invoice(committed: str) -> Iterator[Invoice]:
    """The second invoice of an account: usage of February and the base price of March."""
    with installation_scope():
        world.load()
        account = world.customer()
        world.on_plan(account, "team", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 3), output_tokens=3_000_000, input_tokens=1_234_567)
    world.use(account, utc(2026, 2, 9, 11, 30), output_tokens="17.5", input_tokens=1)
    issued = bill_account(account, utc(2026, 3, 1))
    ensure_document(issued[1])
    yield issued[1]


def tamper(*statements: tuple[str, list[object]]) -> None:
    """As the owner of the tables, with triggers switched off for the session."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET plainbill.account = '*'")
        tables = ("invoices_invoice", "invoices_invoiceline", "invoices_invoicedocument")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement, parameters in statements:
            cursor.execute(statement, parameters)
            assert cursor.rowcount, statement
        for table in tables:
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


def test_untouched_is_green(invoice: Invoice) -> None:
    assert "2 documents verified" in verify()
    assert "1 documents verified" in verify("--invoice", invoice.number)


@pytest.mark.parametrize(
    "change",
    [
        "amount = amount + 1",
        "quantity = quantity + 1",
        "exact_amount = exact_amount + 0.000000000001",
        "tiers = '[]'",
    ],
)
def test_changed_line(invoice: Invoice, change: str) -> None:
    tamper((LINE.format(change), [invoice.pk]))
    assert invoice.number in red()
    assert invoice.number in red("--invoice", invoice.number)


def test_changed_line_with_sums_put_right(invoice: Invoice) -> None:
    """A euro more on the line, and on everything that follows from it."""
    taxes = json.loads(json.dumps(invoice.snapshot["taxes"]))
    taxes[0]["taxable"] = f"{Decimal(taxes[0]['taxable']) + 10}"
    taxes[0]["amount"] = f"{Decimal(taxes[0]['amount']) + 2}"
    tamper(
        (LINE.format("amount = amount + 10, exact_amount = exact_amount + 10"), [invoice.pk]),
        (
            """UPDATE invoices_invoice SET subtotal = subtotal + 10, tax_total = tax_total + 2, total = total + 12,
               amount_due = amount_due + 12, snapshot = jsonb_set(snapshot, '{taxes}', %s::jsonb) WHERE id = %s""",
            [json.dumps(taxes), invoice.pk],
        ),
    )
    assert f"{invoice.number}: usage output_tokens" in red()


@pytest.mark.parametrize("position", [1, 2, 3])
def test_deleted_line(invoice: Invoice, position: int) -> None:
    line = "FROM invoices_invoiceline WHERE invoice_id = %s AND position = %s"
    tamper((f"DELETE {line}", [invoice.pk, position]))
    assert invoice.number in red()


def test_deleted_base_line_with_sums_put_right(invoice: Invoice) -> None:
    taxes = json.loads(json.dumps(invoice.snapshot["taxes"]))
    taxes[0]["taxable"] = f"{Decimal(taxes[0]['taxable']) - 49}"
    taxes[0]["amount"] = f"{Decimal(taxes[0]['amount']) - Decimal('9.80')}"
    tamper(
        ("DELETE FROM invoices_invoiceline WHERE invoice_id = %s AND kind = 'base'", [invoice.pk]),
        (
            """UPDATE invoices_invoice SET subtotal = subtotal - 49, tax_total = tax_total - 9.8, total = total - 58.8,
               amount_due = amount_due - 58.8, snapshot = jsonb_set(snapshot, '{taxes}', %s::jsonb) WHERE id = %s""",
            [json.dumps(taxes), invoice.pk],
        ),
    )
    assert "base price: 49 agreed, 0 on paper" in red()


def test_removed_number(invoice: Invoice) -> None:
    with account_scope(invoice.account_id):
        first = Invoice.objects.get(number="F-000001")
    tamper(
        ("DELETE FROM invoices_invoiceline WHERE invoice_id = %s", [first.pk]),
        ("DELETE FROM invoices_invoice WHERE id = %s", [first.pk]),
    )
    assert "series F: 2 numbers were given, 1 documents are there, from 2 to 2" in red()


def test_changed_pdf(invoice: Invoice) -> None:
    tamper(
        ("UPDATE invoices_invoicedocument SET pdf = pdf || 'x'::bytea WHERE invoice_id = %s", [invoice.pk])
    )
    assert "PDF" in red()


@pytest.mark.parametrize("trigger", ["issued_line_stays", "invoice_adds_up"])
def test_switched_off_trigger(invoice: Invoice, trigger: str) -> None:
    table = "invoices_invoice" if trigger == "invoice_adds_up" else "invoices_invoiceline"
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    assert trigger in red()


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
