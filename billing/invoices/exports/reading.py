"""Which documents an export takes, read a page at a time.

A file is sent as fast as its reader takes it, which may be slow. So nothing is held meanwhile: each page is read in a
transaction of its own, in the account's scope, and its connection given back. Issued documents never change, and what
is issued after `Chosen.before` is left out, so the pages are of one piece.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from django.db import close_old_connections, connection
from django.db.models import Q, QuerySet

from accounts.models import Account
from accounts.scope import account_scope
from billing.invoices.models import Invoice, InvoiceLine

DOCUMENTS: Final = 20
LINES: Final = 500
"""Rows of a page."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The documents of `account` that were issued in [since, before), or of any time the one with `number`.

    `name` says which in the name of the file.
    """

    account: Account
    before: datetime
    name: str
    since: datetime | None = None
    number: str = ""


def read_now[Found](account: Account, read: Callable[[], Found]) -> Found:
    """What `read` finds in the account's scope; no connection is kept for it."""
    try:
        with account_scope(account.pk):
            return read()
    finally:
        if not connection.in_atomic_block:  # a caller's transaction is his to end
            close_old_connections()


def documents(chosen: Chosen) -> Iterator[Invoice]:
    """The chosen documents in the order in which they were issued."""
    page = read_now(chosen.account, partial(_page, chosen, None))
    while page:
        yield from page
        page = read_now(chosen.account, partial(_page, chosen, page[-1]))


def any_document(chosen: Chosen) -> bool:
    """Whether there is one; inside the account's scope."""
    return _rows(chosen).exists()


def line_pages(invoice: Invoice) -> Iterator[Sequence[InvoiceLine]]:
    """The lines of a document by their position."""
    page = read_now(invoice.account, partial(_lines, invoice, 0))
    while page:
        yield page
        page = read_now(invoice.account, partial(_lines, invoice, page[-1].position))


def _rows(chosen: Chosen) -> QuerySet[Invoice]:
    rows = Invoice.objects.filter(account=chosen.account)
    if chosen.number:
        return rows.filter(number=chosen.number)
    rows = rows.filter(issued_at__lt=chosen.before)
    return rows if chosen.since is None else rows.filter(issued_at__gte=chosen.since)


def _page(chosen: Chosen, after: Invoice | None) -> list[Invoice]:
    rows = _rows(chosen).select_related("account")
    if after is not None:
        later = Q(issued_at__gt=after.issued_at) | Q(issued_at=after.issued_at, pk__gt=after.pk)
        rows = rows.filter(later)
    return list(rows.order_by("issued_at", "pk")[:DOCUMENTS])


def _lines(invoice: Invoice, after: int) -> list[InvoiceLine]:
    rows = InvoiceLine.objects.filter(invoice=invoice, position__gt=after).select_related("version__plan")
    return list(rows.order_by("position")[:LINES])
