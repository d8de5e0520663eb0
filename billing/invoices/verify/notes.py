"""Credit notes by hand against their invoices: what each gives back, reckoned again from the invoice on."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

from billing.invoices.models import Invoice
from billing.invoices.notes.reckoning import charged_lines, discounts_data, reckon, taxes_data
from billing.invoices.standing import standing
from billing.invoices.verify.prices import Found
from billing.pricing.given_back import GiveBackError
from billing.pricing.money import ZERO, exact, plain


def note_differences(account_id: int) -> Iterator[Found]:
    """Every invoice that was taken back, in part or wholly, with its credit notes one after another."""
    taken_back = Invoice.objects.filter(account=account_id, credit_notes__isnull=False).distinct()
    for invoice in taken_back.order_by("series", "sequence"):
        yield from _of(invoice)


@exact()
def _of(invoice: Invoice) -> Iterator[Found]:
    rows, given = list(invoice.lines.order_by("position")), defaultdict[UUID, Decimal](Decimal)
    notes = list(invoice.credit_notes.order_by("series", "sequence").prefetch_related("lines"))
    for note in notes:
        wanted = {line.credited_id: line.amount for line in note.lines.all() if line.credited_id is not None}
        try:
            back = reckon(invoice, charged_lines(rows, given), wanted)
        except GiveBackError as error:
            yield (
                note.number,
                f"it gives back more than invoice {invoice.number} charged: {plain(error.left)} was left",
            )
            return
        told = note.snapshot["discounts"], note.snapshot["taxes"]
        if told != (discounts_data(invoice, back), taxes_data(invoice, back)):
            yield (
                note.number,
                f"its discounts and taxes are not those that invoice {invoice.number} gives back",
            )
        if note.total != back.total:
            yield (
                note.number,
                f"total: {plain(back.total)} by invoice {invoice.number}, {plain(note.total)} on paper",
            )
        for key, amount in wanted.items():
            given[key] += amount
    settled, paid = sum((note.settles for note in notes), ZERO), standing(invoice).paid
    if settled + paid > invoice.amount_due:
        yield (
            invoice.number,
            f"{plain(paid)} was paid and {plain(settled)} taken off, of {plain(invoice.amount_due)} to pay",
        )
