"""Credit: what an account has left, and which of it is used next: the oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from django.db.models import Sum

from accounts.reading import many
from billing.invoices.ledger.models import Book, LedgerEntry, LedgerTransaction
from billing.pricing.money import ZERO, exact, round_fraction


@dataclass(frozen=True, slots=True)
class Use:
    """`amount` of the credit that the transaction `source` gave, on the document `number`; `tax` of it was invoiced
    with a prepayment of the day `prepaid_on` and is not owed again.
    """

    source: int
    number: str
    amount: Decimal
    tax: Decimal
    prepaid_on: date | None = None


@many
@exact()
def credit_left(account_ids: Sequence[int]) -> dict[int, Decimal]:
    """What an account has left, in its currency; never below zero."""
    rows = LedgerEntry.objects.filter(account__in=account_ids, book=Book.CREDIT).order_by()
    sums = rows.values_list("account").annotate(sum=Sum("amount"))
    return {**dict.fromkeys(account_ids, ZERO), **{account_id: -sum_ for account_id, sum_ in sums}}


@exact()
def refundable(account_id: int) -> Decimal:
    """What of it may be paid out: all but prepayments, whose tax was invoiced."""
    return sum((left for _source, left in _sources(account_id, refunded=True)), ZERO)


@exact()
def credit_uses(account_id: int, amount: Decimal, *, refunded: bool = False) -> list[Use]:
    """Which credit pays `amount`, oldest first; `refunded`: to the customer. Under the account's lock; ValueError if
    there is less.
    """
    uses = list[Use]()
    for source, left in _sources(account_id, refunded) if amount else ():
        used = min(left, amount)
        tax, day = _tax_in(source, left, used), _prepaid_on(source)
        uses.append(Use(source.pk, _number(source), used, tax, day))
        amount -= used
        if not amount:
            break
    if amount:
        raise ValueError(f"{amount} more credit is used than there is")
    return uses


def _sources(account_id: int, refunded: bool) -> Sequence[tuple[LedgerTransaction, Decimal]]:
    rows = LedgerEntry.objects.filter(account=account_id, book=Book.CREDIT).order_by().values_list("credit")
    left = {pk: -sum_ for pk, sum_ in rows.annotate(sum=Sum("amount")) if sum_}
    found = LedgerTransaction.objects.filter(pk__in=left).select_related("document").order_by("pk")
    if refunded:
        found = found.exclude(kind=LedgerTransaction.Kind.PREPAYMENT)
    return [(source, left[source.pk]) for source in found]


def _number(source: LedgerTransaction) -> str:
    return source.document.number if source.document else str(source)


def _prepaid_on(source: LedgerTransaction) -> date | None:
    """The day of issue of a prepayment's invoice, where it was issued."""
    document = source.document
    if source.kind != LedgerTransaction.Kind.PREPAYMENT or document is None:
        return None
    return document.issued_at.astimezone(ZoneInfo(document.snapshot["timezone"])).date()


def _tax_in(source: LedgerTransaction, left: Decimal, used: Decimal) -> Decimal:
    """The part of a prepayment's tax that lies in what is used: in all used so far, less what lay in it before."""
    document = source.document
    if source.kind != LedgerTransaction.Kind.PREPAYMENT or document is None:
        return ZERO
    before, after = document.total - left, document.total - left + used
    upto = [
        round_fraction(
            Fraction(document.tax_total) * Fraction(part) / Fraction(document.total), document.currency
        )
        for part in (before, after)
    ]
    return upto[1] - upto[0]
