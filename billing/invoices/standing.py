"""What became of issued documents: read from payments and credit notes, never stored (contract, section 5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from django.db.models import Model, OuterRef, QuerySet, Subquery, Sum

from accounts.reading import many
from billing.invoices.models import Invoice, Payment
from billing.pricing.money import ZERO, exact

type Status = Literal["issued", "paid", "void"]


@dataclass(frozen=True, slots=True)
class Standing:
    """`paid` in money, `credited` by credit notes by hand, `open` still to be paid; all in the currency of the row."""

    paid: Decimal
    credited: Decimal
    open: Decimal
    status: Status


@exact()
def standings(invoices: Iterable[Invoice]) -> dict[UUID, Standing]:
    """By primary key; one statement however many there are. Inside the scope of their accounts."""
    rows = {one.pk: one for one in invoices}
    found = with_standing(Invoice.objects.filter(pk__in=rows).order_by()).values_list("pk", *SUMS)
    return {pk: _standing(rows[pk], *(value or ZERO for value in values)) for pk, *values in found}


def with_standing(invoices: QuerySet[Invoice]) -> QuerySet[Invoice]:
    """The documents with what `standing_read` needs, in the statement that reads them."""
    return invoices.annotate(**SUMS)


@exact()
def standing_read(invoice: Invoice) -> Standing:
    """Of a document that was read `with_standing`."""
    return _standing(invoice, *(getattr(invoice, name) or ZERO for name in SUMS))


def _sum(model: type[Model], to: str, name: str) -> Subquery:
    """The sum of a column over the rows of `model` that point to the document."""
    rows = model._default_manager.filter(**{to: OuterRef("pk")}).order_by().values(to)
    return Subquery(rows.values(sum=Sum(name)))


SUMS: Final = {
    "sum_paid": _sum(Payment, "invoice", "amount"),
    "sum_credited": _sum(Invoice, "credited", "total"),
    "sum_settled": _sum(Invoice, "credited", "settles"),
}


@many
def standing(invoices: Sequence[Invoice]) -> dict[Invoice, Standing]:
    """Of one document."""
    found = standings(invoices)
    return {one: found[one.pk] for one in invoices}


def standing_at_issue(invoice: Invoice) -> Standing:
    """Of one document before anything was paid or credited."""
    return _standing(invoice, ZERO, ZERO, ZERO)


def _standing(invoice: Invoice, paid: Decimal, credited: Decimal, settled: Decimal) -> Standing:
    """`void` once all was given back, `paid` once nothing is open; a credit note stays `issued`, nobody pays it."""
    left = max(invoice.amount_due - paid - settled, ZERO)
    if invoice.kind == Invoice.Kind.CREDIT_NOTE:
        return Standing(paid, credited, ZERO, "issued")
    if credited and credited >= invoice.total:
        return Standing(paid, credited, left, "void")
    return Standing(paid, credited, left, "issued" if left else "paid")
