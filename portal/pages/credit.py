"""An account's credit: what is left, and how it came and went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db.models import Subquery, Sum
from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import Account
from billing.invoices.ledger.models import Book, LedgerEntry, LedgerTransaction
from billing.pricing.money import ZERO

ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class CreditRow:
    """What gave or used credit: `amount` above zero gave it; `url` is its document's page, "" without one."""

    at: datetime
    words: str
    number: str
    url: str
    amount: Decimal
    left: Decimal


@dataclass(frozen=True, slots=True)
class Credit:
    """`left` in `currency`; the newest `ROWS` of what made it so, newest first."""

    currency: str
    left: Decimal
    rows: Sequence[CreditRow]


def credit_of(account: Account) -> Credit:
    """Inside the account's scope."""
    touched = LedgerTransaction.objects.filter(account=account, entries__book=Book.CREDIT)
    newest = touched.annotate(change=-Sum("entries__amount"), account_left=_left(account)).order_by("-pk")
    found, rows = list(newest.select_related("document")[:ROWS]), list[CreditRow]()
    left = balance = found[0].account_left if found else ZERO
    for one in found:
        rows.append(_row(one, one.change, balance))
        balance -= one.change
    return Credit(account.currency, left, rows)


def _left(account: Account) -> Subquery:
    """What all of the account's credit comes to, beside each row: so the page asks once."""
    entries = LedgerEntry.objects.filter(account=account, book=Book.CREDIT).order_by().values("account")
    return Subquery(entries.annotate(sum=-Sum("amount")).values("sum"))


def _row(one: LedgerTransaction, change: Decimal, left: Decimal) -> CreditRow:
    words = {
        LedgerTransaction.Kind.CREDIT_NOTE: gettext("Credit note"),
        LedgerTransaction.Kind.PREPAYMENT: gettext("Prepayment"),
        LedgerTransaction.Kind.INVOICE: gettext("Used by an invoice"),
        LedgerTransaction.Kind.REFUND: gettext("Paid out: %(how)s") % {"how": one.reference},
    }
    number = one.document.number if one.document else ""
    url = reverse("portal:invoice", args=[number]) if number else ""
    return CreditRow(one.at, words[LedgerTransaction.Kind(one.kind)], number, url, change, left)
