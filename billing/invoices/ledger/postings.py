"""What is written of each kind of transaction, and the one function that writes it."""

from collections.abc import Mapping, Sequence
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

_POST: Final = """
WITH posted AS (
    INSERT INTO invoices_ledgertransaction
        (account_id, kind, document_id, payment_id, reference, posted_by, at, issued_in)
    VALUES (%(account)s, %(kind)s, %(document)s, %(payment)s, %(reference)s, %(by)s, %(at)s, 0) RETURNING id
)
INSERT INTO invoices_ledgerentry (transaction_id, account_id, book, amount, invoice_id, credit_id)
SELECT posted.id, %(account)s, entry.book, entry.amount,
       CASE WHEN entry.book = 'receivable' THEN %(receivable)s::uuid END,
       CASE WHEN entry.book = 'credit' THEN coalesce(entry.source, posted.id) END
FROM posted, unnest(%(books)s::text[], %(amounts)s::numeric[], %(sources)s::bigint[]) AS entry(book, amount, source)
RETURNING transaction_id"""


@exact()
def post(
    kind: str,
    account_id: int,
    amounts: Amounts,
    *,
    at: datetime,
    document: UUID | None = None,
    payment: UUID | None = None,
    receivable: UUID | None = None,
    uses: Sequence[Use] = (),
    reference: str = "",
    by: str = "",
) -> int | None:
    """Write what `POSTINGS` says of `kind`; its key, or None where every amount is zero.

    `receivable` is the invoice that is owed; `uses` says which credit `used` comes from. In the database transaction
    that makes the document, under the account's lock.
    """
    rows = [row for posting in POSTINGS[kind] for row in _entries(*posting, amounts, uses)]
    if not rows:
        return None
    values: dict[str, Any] = {
        "account": account_id,
        "kind": kind,
        "document": document,
        "payment": payment,
        "receivable": receivable,
        "reference": reference,
        "by": by,
        "at": at,
        "books": [str(book) for book, _amount, _source in rows],
        "amounts": [amount for _book, amount, _source in rows],
        "sources": [source for _book, _amount, source in rows],
    }
    with connection.cursor() as cursor:
        cursor.execute(_POST, values)
        found: int = cursor.fetchone()[0]
    return found


def _entries(
    book: Book, sign: int, name: str, amounts: Amounts, uses: Sequence[Use]
) -> list[tuple[Book, Decimal, int | None]]:
    """One entry, or one for each credit that is used; none of nothing."""
    if name == "used" and book is Book.CREDIT:
        return [(book, sign * use.amount, use.source) for use in uses]
    amount = amounts.get(name, ZERO)
    return [(book, sign * amount, None)] if amount else []
