"""The files of an account read back, and what must be true of them whatever its documents are."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal

from django.utils import timezone

from accounts.models import Account
from billing.invoices.exports.accounting import accounting_csv
from billing.invoices.exports.focus import focus_csv
from billing.invoices.exports.reading import Chosen
from billing.invoices.models import Invoice
from billing.invoices.queries import open_amount
from billing.pricing.money import ZERO, exact
from tests.invoices.exports.focus_rules import faults

type Row = dict[str, str]


def everything(account: Account) -> Chosen:
    return Chosen(account, timezone.now().replace(year=2190), "all")


def read(parts: Iterable[bytes]) -> list[Row]:
    """The rows of a file; every line of it has as many cells as the first."""
    table = list(csv.reader(io.StringIO(b"".join(parts).decode(), newline=""), strict=True))
    assert {len(cells) for cells in table} == {len(table[0])}
    return [dict(zip(table[0], cells, strict=True)) for cells in table[1:]]


def focus(account: Account) -> list[Row]:
    return read(focus_csv(everything(account)))


def accounting(account: Account) -> list[Row]:
    return read(accounting_csv(everything(account)))


@exact()
def exports_hold(account: Account) -> None:
    """All rules of FOCUS, and both files' sums against the documents, to the cent."""
    invoices = list(Invoice.objects.filter(account=account))
    rows = focus(account)
    broken = faults(rows)
    assert not broken, broken
    billed = sums(rows, "InvoiceId", "BilledCost")
    assert set(billed) - {""} == {invoice.number for invoice in invoices}
    booked = accounting(account)
    assert {row["number"] for row in booked} == {invoice.number for invoice in invoices}
    for invoice in invoices:
        sign = -1 if invoice.kind == Invoice.Kind.CREDIT_NOTE else 1
        asked = invoice.amount_due if sign > 0 else -invoice.total
        assert billed[invoice.number] == asked, invoice.number
        tax = [row for row in rows if (row["InvoiceId"], row["ChargeCategory"]) == (invoice.number, "Tax")]
        assert total(tax, "BilledCost") == sign * invoice.tax_total
        lines = {row["x_LineId"] for row in rows if row["x_DocumentNumber"] == invoice.number} - {""}
        assert lines == {str(pk) for pk in invoice.lines.values_list("pk", flat=True)}, "a row of each line"
        for line in invoice.lines.all():
            own = [row for row in rows if row["x_LineId"] == str(line.pk)]
            assert total(own, "BilledCost") == sign * line.amount
        _books_hold(invoice, [row for row in booked if row["number"] == invoice.number], sign)
    assert billed.get("", ZERO) == sum(
        (each.total for each in invoices if each.kind == Invoice.Kind.CREDIT_NOTE), ZERO
    )
    asked_for = sum((invoice.amount_due for invoice in invoices), ZERO)
    assert sum(billed.values(), ZERO) == asked_for, "credit is counted once, wherever it moved"


def _books_hold(invoice: Invoice, rows: list[Row], sign: int) -> None:
    sales = [row for row in rows if row["entry"] == "sale"]
    assert total(sales, "gross") == sign * invoice.total
    assert total(sales, "tax") == sign * invoice.tax_total
    assert total(sales, "net") == sign * (invoice.total - invoice.tax_total)
    assert all(Decimal(row["net"]) + Decimal(row["tax"]) == Decimal(row["gross"]) for row in sales)
    assert total(rows, "gross") + total(rows, "credit") == invoice.amount_due - invoice.settles
    left = total(rows, "gross") + total(rows, "credit") - total(rows, "payment")
    assert left == open_amount(invoice)


def sums(rows: Iterable[Row], key: str, value: str) -> dict[str, Decimal]:
    found = defaultdict[str, Decimal](Decimal)
    for row in rows:
        found[row[key]] += Decimal(row[value])
    return dict(found)


def total(rows: Iterable[Row], name: str) -> Decimal:
    return sum(numbers(rows, name), ZERO)


def numbers(rows: Iterable[Row], name: str) -> Iterator[Decimal]:
    return (Decimal(row[name]) for row in rows if row[name])
