"""What was issued to accounts and written of them, read for many accounts at once; in a reading each row once."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Prefetch

from accounts.reading import grouped, many
from billing.invoices.models import (
    Invoice,
    InvoiceDocument,
    InvoiceLine,
    LedgerEntry,
    LedgerTransaction,
    Payment,
)
from billing.invoices.standing import Standing, standings
from billing.plans.models import PendingLine, Period


@many
def documents(account_ids: Sequence[int]) -> dict[int, list[Invoice]]:
    """Every document of an account with its lines, in the order in which they were priced."""
    lines = Prefetch("lines", InvoiceLine.objects.select_related("version__plan").defer("version__terms"))
    rows = Invoice.objects.filter(account__in=account_ids).prefetch_related("account", lines, "lines__period")
    in_order = rows.order_by("priced_at", "series", "sequence")
    return grouped(account_ids, in_order, lambda invoice: invoice.account_id)


@many
def document_standings(account_ids: Sequence[int]) -> dict[int, dict[UUID, Standing]]:
    """Of every document of an account."""
    documents.ahead(account_ids)
    by_account = {account_id: documents(account_id) for account_id in account_ids}
    found = standings(invoice for invoices in by_account.values() for invoice in invoices)
    return {
        account_id: {invoice.pk: found[invoice.pk] for invoice in invoices}
        for account_id, invoices in by_account.items()
    }


@many
def changed_pdfs(account_ids: Sequence[int]) -> dict[int, list[str]]:
    """The numbers of documents whose PDF has not the bytes of its hash; hashed where they lie."""
    changed = InvoiceDocument.objects.filter(account__in=account_ids).extra(where=["sha256(pdf) <> sha256"])
    rows = changed.order_by("invoice__number").values_list("account_id", "invoice__number")
    found = grouped(account_ids, rows, lambda row: row[0])
    return {account_id: [number for _account, number in numbers] for account_id, numbers in found.items()}


@many
def paid_periods(account_ids: Sequence[int]) -> dict[int, list[Period]]:
    """The periods of an account that are not free, in order of time."""
    rows = Period.objects.filter(account__in=account_ids, trial=False).order_by("start")
    rows = rows.select_related("account", "subscription__account", "base_version__plan")
    return grouped(account_ids, rows.defer("base_version__terms"), lambda period: period.account_id)


@many
def waited(account_ids: Sequence[int]) -> dict[int, list[PendingLine]]:
    """The prorations and adjustments that were invoiced to an account."""
    rows = PendingLine.objects.filter(account__in=account_ids, invoiced_at__isnull=False)
    return grouped(account_ids, rows, lambda row: row.account_id)


@many
def transactions(account_ids: Sequence[int]) -> dict[int, list[LedgerTransaction]]:
    """An account's ledger, in the order of what was written."""
    rows = LedgerTransaction.objects.filter(account__in=account_ids).order_by("pk")
    return grouped(account_ids, rows, lambda one: one.account_id)


@many
def entries(account_ids: Sequence[int]) -> dict[int, list[LedgerEntry]]:
    rows = LedgerEntry.objects.filter(account__in=account_ids).order_by("pk")
    return grouped(account_ids, rows, lambda entry: entry.account_id)


@many
def payments(account_ids: Sequence[int]) -> dict[int, list[Payment]]:
    rows = Payment.objects.filter(account__in=account_ids)
    return grouped(account_ids, rows, lambda payment: payment.account_id)
