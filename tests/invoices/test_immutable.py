"""Issued documents stay as they are, for the application and for the tables' owner."""

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection, connections, transaction

from accounts.scope import account_scope, installation_scope
from billing.invoices.actions import bill_account
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.pdf import ensure_document
from tests.invoices import world
from tests.invoices.world import utc

INVOICE, LINE, DOCUMENT = "invoices_invoice", "invoices_invoiceline", "invoices_invoicedocument"
STATEMENTS = [
    f"UPDATE {INVOICE} SET total = total",
    f"UPDATE {LINE} SET amount = 0",
    f"UPDATE {DOCUMENT} SET pdf = 'x'",
    f"DELETE FROM {INVOICE}",
    f"DELETE FROM {LINE}",
    f"DELETE FROM {DOCUMENT}",
    f"TRUNCATE {INVOICE} CASCADE",
    f"TRUNCATE {LINE}",
    f"TRUNCATE {DOCUMENT}",
    f"INSERT INTO {INVOICE} SELECT * FROM {INVOICE} LIMIT 1 ON CONFLICT (id) DO UPDATE SET total = 0",
    f"""INSERT INTO {DOCUMENT} SELECT * FROM {DOCUMENT} LIMIT 1
        ON CONFLICT (invoice_id) DO UPDATE SET pdf = excluded.pdf""",
    f"MERGE INTO {INVOICE} t USING {INVOICE} s ON t.id = s.id WHEN MATCHED THEN UPDATE SET total = 0",
    f"MERGE INTO {INVOICE} t USING {INVOICE} s ON t.id = s.id WHEN MATCHED THEN DELETE",
]


@pytest.fixture
def invoice(committed: str) -> Iterator[Invoice]:
    with installation_scope():
        world.load()
        account = world.customer()
        world.on_plan(account, "team", utc(2026, 2, 1))
    issued = bill_account(account, utc(2026, 2, 2))[0]
    ensure_document(issued)
    yield issued


def state_of(error: pytest.ExceptionInfo[DatabaseError]) -> str:
    return str(getattr(error.value.__cause__, "sqlstate", ""))


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_application_is_refused(invoice: Invoice, statement: str) -> None:
    """By its missing right (42501), or by the trigger."""
    with (
        pytest.raises(DatabaseError) as caught,
        account_scope(invoice.account_id),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert state_of(caught) in ("23001", "42501")


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_owner_is_refused(invoice: Invoice, statement: str) -> None:
    with pytest.raises(DatabaseError) as caught, transaction.atomic("owner"):
        with connections["owner"].cursor() as cursor:
            cursor.execute("SET LOCAL plainbill.account = '*'")
            cursor.execute(statement)
    assert state_of(caught) == "23001"


def copied_line(invoice: Invoice) -> InvoiceLine:
    line = invoice.lines.get()
    line.pk, line.position, line.kind = None, 2, "adjustment"
    line._state.adding = True
    return line


def test_no_line_joins_later(invoice: Invoice) -> None:
    with pytest.raises(DatabaseError, match="no line joins it later"), account_scope(invoice.account_id):
        copied_line(invoice).save(force_insert=True)


def test_a_document_that_does_not_add_up_is_not_committed(invoice: Invoice) -> None:
    with pytest.raises(DatabaseError, match="its lines add up to 98"), account_scope(invoice.account_id):
        lines = list(invoice.lines.all())
        copy = Invoice.objects.get(pk=invoice.pk)
        copy.pk, copy.sequence, copy.number, copy._state.adding = None, 2, "F-000002", True
        copy.save(force_insert=True)
        for place in (1, 2):
            line = lines[0]
            line.pk, line.invoice, line.position, line.kind = None, copy, place, "adjustment"
            line._state.adding = True
            line.save(force_insert=True)


def test_a_document_without_lines_is_not_committed(invoice: Invoice) -> None:
    with pytest.raises(DatabaseError, match="has no line"), account_scope(invoice.account_id):
        copy = Invoice.objects.get(pk=invoice.pk)
        copy.pk, copy.sequence, copy.number, copy._state.adding = None, 2, "F-000002", True
        copy.save(force_insert=True)
