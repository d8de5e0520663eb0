"""Issued documents stay as they are, for the application and for the tables' owner."""

import uuid
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, connections, transaction

from accounts.scope import account_scope, installation_scope
from billing.invoices.actions import bill_account, record_payment
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.pdf import ensure_document
from portal.postgres import embedded
from tests.environment import RUN_DIR
from tests.invoices import world
from tests.invoices.world import utc

INVOICE, LINE, DOCUMENT = "invoices_invoice", "invoices_invoiceline", "invoices_invoicedocument"
PAYMENT = "invoices_payment"
TRANSACTION, ENTRY = "invoices_ledgertransaction", "invoices_ledgerentry"

# Of each table: its key, and a column that somebody might want to change.
TABLES = {
    INVOICE: ("id", "total", "0"),
    LINE: ("id", "amount", "0"),
    DOCUMENT: ("invoice_id", "pdf", "'x'"),
    PAYMENT: ("id", "amount", "1"),
    TRANSACTION: ("id", "reference", "'x'"),
    ENTRY: ("id", "amount", "1"),
}


def attempts(table: str) -> list[str]:
    """Every way in which SQL changes or removes rows."""
    key, column, value = TABLES[table]
    merge = f"MERGE INTO {table} t USING {table} s ON t.{key} = s.{key}"
    upsert = f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1 ON CONFLICT ({key}) DO UPDATE SET"
    return [
        f"UPDATE {table} SET {column} = {column}",
        f"UPDATE {table} SET {column} = {value}",
        f"WITH gone AS (UPDATE {table} SET {column} = {value} RETURNING 1) SELECT count(*) FROM gone",
        f"DELETE FROM {table}",
        f"WITH gone AS (DELETE FROM {table} RETURNING 1) SELECT count(*) FROM gone",
        f"TRUNCATE {table} CASCADE",
        f"{upsert} {column} = {value}",
        f"{upsert} {column} = excluded.{column}",
        f"{merge} WHEN MATCHED THEN UPDATE SET {column} = {value}",
        f"{merge} WHEN MATCHED THEN DELETE",
    ]


STATEMENTS = [statement for table in TABLES for statement in attempts(table)]


@pytest.fixture
def invoice(committed: str) -> Invoice:
    with installation_scope():
        world.load()
        account = world.customer()
        world.on_plan(account, "team", utc(2026, 2, 1))
    issued = bill_account(account, utc(2026, 2, 2))[0]
    ensure_document(issued)
    record_payment(issued, Decimal("1.00"), utc(2026, 2, 3))
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


LATE = {LINE: "no line joins it later", ENTRY: "no entry joins a transaction later"}


def columns(table: str) -> str:
    """Of the table, without its key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND column_name <> 'id'"
            " ORDER BY ordinal_position",
            [table],
        )
        return ", ".join(f'"{name}"' for (name,) in cursor.fetchall())


def copy_in(table: str, cursor: Any) -> None:
    """COPY the table's rows in again under new keys."""
    names, key = columns(table), KEYS[table]
    with cursor.copy(f"COPY (SELECT {key}, {names} FROM {table}) TO STDOUT") as rows:
        data = b"".join(bytes(row) for row in rows)
    assert data
    with cursor.copy(f"COPY {table} (id, {names}) FROM STDIN") as late:
        late.write(data)


def copy_as_application(table: str, account_id: int) -> None:
    with account_scope(account_id), connection.cursor() as cursor:
        copy_in(table, cursor)


KEYS = {LINE: "gen_random_uuid()", ENTRY: "id + 1000"}


@pytest.mark.parametrize("table", LATE)
def test_no_late_rows_are_copied_or_selected_in(invoice: Invoice, table: str) -> None:
    """The application may not COPY under row-level security at all; a superuser, who may, meets the trigger."""
    with pytest.raises(psycopg.DatabaseError, match="COPY FROM not supported"):
        copy_as_application(table, invoice.account_id)
    names = columns(table)
    with pytest.raises(DatabaseError, match=LATE[table]):
        as_application(
            invoice, f"INSERT INTO {table} (id, {names}) SELECT {KEYS[table]}, {names} FROM {table}"
        )
    name = connection.settings_dict["NAME"]
    host = str(embedded.socket_dir(RUN_DIR))
    with psycopg.connect(host=host, user="postgres", dbname=name) as superuser:
        with pytest.raises(psycopg.DatabaseError, match=LATE[table]):
            copy_in(table, superuser.cursor())
        superuser.rollback()


def test_the_application_has_no_right_to_change_them(invoice: Invoice, subtests: pytest.Subtests) -> None:
    """Before any trigger: the right itself is missing, and it may not switch triggers off."""
    for table in TABLES:
        with subtests.test(table), account_scope(invoice.account_id), connection.cursor() as cursor:
            for right in ("UPDATE", "DELETE", "TRUNCATE"):
                cursor.execute("SELECT has_table_privilege(%s, %s)", [table, right])
                assert cursor.fetchone() == (False,), right
        with subtests.test(f"triggers of {table}"), pytest.raises(DatabaseError, match="must be owner"):
            as_application(invoice, f"ALTER TABLE {table} DISABLE TRIGGER USER")
        with subtests.test(f"replica role, {table}"), pytest.raises(DatabaseError, match="permission denied"):
            as_application(invoice, "SET session_replication_role = replica")
