"""The ledger against what it is of: every document, payment and refund once, summing to zero, no credit overdrawn."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from uuid import UUID

from billing.invoices.ledger.documents import amounts_of, kind_of
from billing.invoices.ledger.models import Book, LedgerEntry, LedgerTransaction
from billing.invoices.ledger.postings import POSTINGS, Kind
from billing.invoices.models import Invoice
from billing.invoices.standing import Standing
from billing.invoices.verify import rows
from billing.invoices.verify.prices import Found
from billing.pricing.money import ZERO, exact, money_string, plain

type Books = dict[str, Decimal]


@exact()
def ledger_differences(account_id: int) -> Iterator[Found]:
    """What differs in an account's books, in the order of what was written."""
    transactions, invoices = rows.transactions(account_id), rows.documents(account_id)
    entries = defaultdict[int, list[LedgerEntry]](list)
    for entry in rows.entries(account_id):
        entries[entry.transaction_id].append(entry)
    yield from _balances(transactions, entries)
    posted = {one.document_id or one.payment_id: one for one in transactions}
    for invoice in invoices:
        one = posted.get(invoice.pk)
        yield from _of_document(invoice, one, entries[one.pk] if one else [])
    for payment in rows.payments(account_id):
        one = posted.get(payment.pk)
        if _by_book(entries[one.pk] if one else []) != {
            Book.BANK: payment.amount,
            Book.RECEIVABLE: -payment.amount,
        }:
            yield "ledger", f"the payment of {plain(payment.amount)} at {payment.received_at} is not in it"
    yield from _owed(invoices, rows.document_standings(account_id), entries)
    yield from _used(invoices, transactions, entries)


def _balances(
    transactions: list[LedgerTransaction], entries: Mapping[int, list[LedgerEntry]]
) -> Iterator[Found]:
    """Each sums to zero, and no credit was ever used beyond what it gave."""
    left = defaultdict[int | None, Decimal](Decimal)
    for one in transactions:
        sum_ = sum((entry.amount for entry in entries[one.pk]), ZERO)
        if sum_ or not entries[one.pk]:
            yield f"ledger {one.pk}", f"its {len(entries[one.pk])} entries sum to {plain(sum_)}, not to zero"
        if one.kind != Kind.REFUND and (one.document_id is None) == (one.payment_id is None):
            yield f"ledger {one.pk}", "it is of no document, payment or refund"
        for entry in entries[one.pk]:
            if entry.book == Book.CREDIT:
                left[entry.credit_id] -= entry.amount
                if left[entry.credit_id] < 0:
                    yield (
                        f"ledger {one.pk}",
                        f"it uses {plain(-left[entry.credit_id])} more credit than there was",
                    )


def _of_document(
    invoice: Invoice, one: LedgerTransaction | None, entries: list[LedgerEntry]
) -> Iterator[Found]:
    prepaid = sum((Decimal(use["tax"]) for use in invoice.snapshot.get("credit_used", ())), ZERO)
    amounts = {**amounts_of(invoice, prepaid), "used": invoice.credits_applied}
    should: Books = {}
    for book, sign, name in POSTINGS[kind_of(invoice)]:
        if amounts[name]:
            should[book] = sign * amounts[name]
    if _by_book(entries) != should or (one is not None and one.kind != kind_of(invoice)):
        yield (
            invoice.number,
            f"the ledger says {_told(_by_book(entries))} of it, and it comes to {_told(should)}",
        )


def _owed(
    invoices: list[Invoice], known: Mapping[UUID, Standing], entries: Mapping[int, list[LedgerEntry]]
) -> Iterator[Found]:
    """By invoice: what the ledger says is open, and what payments and credit notes leave."""
    owed = defaultdict[object, Decimal](Decimal)
    for written in entries.values():
        for entry in written:
            if entry.book == Book.RECEIVABLE:
                owed[entry.invoice_id] += entry.amount
    for invoice in invoices:
        if owed[invoice.pk] != known[invoice.pk].open:
            yield (
                invoice.number,
                f"{plain(known[invoice.pk].open)} is open by its rows, {plain(owed[invoice.pk])} by the ledger",
            )


def _used(
    invoices: list[Invoice],
    transactions: list[LedgerTransaction],
    entries: Mapping[int, list[LedgerEntry]],
) -> Iterator[Found]:
    """Which credit paid what, on paper and in the ledger; documents older than the ledger do not say it."""
    numbers = {one.pk: one.number for one in invoices}
    source = {one.pk: numbers.get(one.document_id, str(one)) for one in transactions}  # type: ignore[arg-type]
    by_document = {one.document_id: one for one in transactions}
    for invoice in invoices:
        one = by_document.get(invoice.pk)
        if one is None or "credit_used" not in invoice.snapshot or invoice.kind == Invoice.Kind.CREDIT_NOTE:
            continue
        used = [entry for entry in entries[one.pk] if entry.book == Book.CREDIT and entry.amount > 0]
        should = [
            (source[row.credit_id], money_string(row.amount, invoice.currency))
            for row in used
            if row.credit_id
        ]
        if should != [(use["number"], use["amount"]) for use in invoice.snapshot["credit_used"]]:
            yield invoice.number, f"the ledger says that {should} paid it, and on paper it is other credit"


def _by_book(entries: list[LedgerEntry]) -> Books:
    sums: Books = {}
    for entry in entries:
        sums[entry.book] = sums.get(entry.book, ZERO) + entry.amount
    return {book: sum_ for book, sum_ in sums.items() if sum_}


def _told(books: Books) -> str:
    return ", ".join(f"{book} {plain(amount)}" for book, amount in sorted(books.items())) or "nothing"
