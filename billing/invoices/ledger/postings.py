"""What is written of each kind of transaction, and the one function that writes it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection

from billing.invoices.ledger.credit import Use
from billing.invoices.ledger.models import Book, LedgerTransaction
from billing.pricing.money import ZERO, exact

Kind = LedgerTransaction.Kind

type Amounts = Mapping[str, Decimal]

POSTINGS: Final[Mapping[str, tuple[tuple[Book, int, str], ...]]] = {
    # What is to be paid and what credit pays of it, against revenue and the tax that no prepayment was invoiced with.
    Kind.INVOICE: (
        (Book.RECEIVABLE, 1, "due"),
        (Book.CREDIT, 1, "used"),
        (Book.REVENUE, -1, "net"),
        (Book.TAX, -1, "tax"),
        (Book.PREPAID_TAX, -1, "prepaid_tax"),
    ),
    # What was charged comes back: off what is still open, the rest as credit.
    Kind.CREDIT_NOTE: (
        (Book.REVENUE, 1, "net"),
        (Book.TAX, 1, "tax"),
        (Book.RECEIVABLE, -1, "settled"),
        (Book.CREDIT, -1, "given"),
    ),
    # No revenue yet: all of it is credit, and its tax is owed now and not again when the credit is used.
    Kind.PREPAYMENT: (
        (Book.RECEIVABLE, 1, "due"),
        (Book.CREDIT, -1, "given"),
        (Book.PREPAID_TAX, 1, "tax"),
        (Book.TAX, -1, "tax"),
    ),
    Kind.PAYMENT: (
        (Book.BANK, 1, "paid"),
        (Book.RECEIVABLE, -1, "paid"),
    ),
    Kind.REFUND: (
        (Book.CREDIT, 1, "used"),
        (Book.BANK, -1, "used"),
    ),
}

# `given` names each transaction before it is stored, so that its entries can follow in the same statement.
_POST: Final = """
WITH given AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('invoices_ledgertransaction', 'id')) AS id, t.*
    FROM (SELECT * FROM jsonb_to_recordset(%(transactions)s::jsonb) AS t(
        place int, account bigint, kind text, document uuid, payment uuid, receivable uuid, reference text, by text,
        at timestamptz) ORDER BY place) AS t
), posted AS (
    INSERT INTO invoices_ledgertransaction
        (id, account_id, kind, document_id, payment_id, reference, posted_by, at, issued_in)
    SELECT id, account, kind, document, payment, reference, by, at, 0 FROM given ORDER BY place RETURNING id
), entered AS (
    INSERT INTO invoices_ledgerentry (transaction_id, account_id, book, amount, invoice_id, credit_id)
    SELECT posted.id, given.account, entry.book, entry.amount,
           CASE WHEN entry.book = 'receivable' THEN given.receivable END,
           CASE WHEN entry.book = 'credit' THEN coalesce(entry.source, posted.id) END
    FROM posted JOIN given USING (id)
    JOIN jsonb_to_recordset(%(entries)s::jsonb) AS entry(place int, n int, book text, amount numeric, source bigint)
        USING (place)
    ORDER BY place, n
)
SELECT id FROM posted ORDER BY id"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What is to be written of a document, payment or refund: `amounts` as `POSTINGS` names them.

    `receivable` is the invoice that is owed; `uses` says which credit `used` comes from.
    """

    kind: str
    account_id: int
    amounts: Amounts
    at: datetime
    document: UUID | None = None
    payment: UUID | None = None
    receivable: UUID | None = None
    uses: Sequence[Use] = ()
    reference: str = ""
    by: str = ""


@exact()
def post(*postings: Posting) -> list[int]:
    """Write them, in their order; the keys, of those whose amounts are not all zero. In the database transaction that
    makes the documents, under their accounts' locks.
    """
    transactions, entries = list[dict[str, Any]](), list[dict[str, Any]]()
    for place, one in enumerate(postings):
        rows = [row for posting in POSTINGS[one.kind] for row in _entries(*posting, one.amounts, one.uses)]
        if rows:
            transactions.append({"place": place, **_columns(one)})
        entries += [
            {"place": place, "n": n, "book": str(book), "amount": f"{amount:f}", "source": source}
            for n, (book, amount, source) in enumerate(rows)
        ]
    if not transactions:
        return []
    values = {"transactions": json.dumps(transactions), "entries": json.dumps(entries)}
    with connection.cursor() as cursor:
        cursor.execute(_POST, values)
        return [key for (key,) in cursor.fetchall()]


def _columns(one: Posting) -> dict[str, Any]:
    """As JSON: keys as text, the instant with its offset."""
    keys = {"document": one.document, "payment": one.payment, "receivable": one.receivable}
    return {
        "account": one.account_id,
        "kind": str(one.kind),
        "reference": one.reference,
        "by": one.by,
        "at": one.at.isoformat(),
        **{name: key and str(key) for name, key in keys.items()},
    }


def _entries(
    book: Book, sign: int, name: str, amounts: Amounts, uses: Sequence[Use]
) -> list[tuple[Book, Decimal, int | None]]:
    """One entry, or one for each credit that is used; none of nothing."""
    if name == "used" and book is Book.CREDIT:
        return [(book, sign * use.amount, use.source) for use in uses]
    amount = amounts.get(name, ZERO)
    return [(book, sign * amount, None)] if amount else []
