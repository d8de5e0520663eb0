"""Issued documents stay as they are, for the application and for the tables' owner."""

import uuid

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
def invoice(committed: str) -> Invoice:
    with installation_scope():
        world.load()
        account = world.customer()
        world.on_plan(account, "team", utc(2026, 2, 1))
    issued = bill_account(account, utc(2026, 2, 2))[0]
    ensure_document(issued)
    return issued


def state_of(error: pytest.ExceptionInfo[DatabaseError]) -> str:
    return str(getattr(error.value.__cause__, "sqlstate", ""))


def as_application(invoice: Invoice, statement: str) -> None:
    with account_scope(invoice.account_id), connection.cursor() as cursor:
        cursor.execute(statement)


def as_owner(statement: str) -> None:
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SET LOCAL plainbill.account = '*'")
        cursor.execute(statement)


def test_the_application_is_refused(invoice: Invoice, subtests: pytest.Subtests) -> None:
    """By its missing right (42501), or by the trigger."""
    for statement in STATEMENTS:
        with subtests.test(statement):
            with pytest.raises(DatabaseError) as caught:
                as_application(invoice, statement)
            assert state_of(caught) in ("23001", "42501")


def test_the_owner_is_refused(invoice: Invoice, subtests: pytest.Subtests) -> None:
    for statement in STATEMENTS:
        with subtests.test(statement):
            with pytest.raises(DatabaseError) as caught:
                as_owner(statement)
            assert state_of(caught) == "23001"


def add_line(invoice: Invoice, place: int) -> None:
    line = InvoiceLine.objects.filter(invoice__number="F-000001").get()
    line.pk, line.invoice, line.position, line.kind = uuid.uuid4(), invoice, place, "adjustment"
    line.save(force_insert=True)


def issue_copy(invoice: Invoice, lines: int) -> None:
    """The same document again under the next number, with its one line `lines` times."""
    with account_scope(invoice.account_id):
        copy = Invoice.objects.get(pk=invoice.pk)
        copy.pk, copy.sequence, copy.number = uuid.uuid4(), 2, "F-000002"
        copy.save(force_insert=True)
        for place in range(1, lines + 1):
            add_line(copy, place)


def add_line_later(invoice: Invoice) -> None:
    with account_scope(invoice.account_id):
        add_line(invoice, 2)


def test_no_line_joins_later(invoice: Invoice) -> None:
    with pytest.raises(DatabaseError, match="no line joins it later"):
        add_line_later(invoice)


def test_only_a_document_that_adds_up_is_committed(invoice: Invoice) -> None:
    for lines, said in ((2, "its lines add up to 98"), (0, "has no line")):
        with pytest.raises(DatabaseError, match=said):
            issue_copy(invoice, lines)
    issue_copy(invoice, lines=1)
