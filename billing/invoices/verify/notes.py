"""Credit notes by hand against their invoices: what each gives back, reckoned again from the invoice on."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from uuid import UUID

from billing.invoices.models import Invoice
from billing.invoices.notes.reckoning import charged_lines, discounts_data, reckon, taxes_data
from billing.invoices.verify.prices import Found
from billing.invoices.verify.rows import document_standings, documents
from billing.pricing.given_back import GiveBackError
from billing.pricing.money import ZERO, exact, plain


def note_differences(account_id: int) -> Iterator[Found]:
    """Every invoice that was taken back, in part or wholly, with its credit notes one after another."""
    notes = defaultdict[UUID, list[Invoice]](list)
    for document in documents(account_id):
        if document.credited_id is not None:
            notes[document.credited_id].append(document)
    taken_back = [document for document in documents(account_id) if document.pk in notes]
    for invoice in sorted(taken_back, key=lambda each: (each.series, each.sequence)):
        yield from _of(invoice, sorted(notes[invoice.pk], key=lambda note: (note.series, note.sequence)))


@exact()
def _of(invoice: Invoice, notes: Sequence[Invoice]) -> Iterator[Found]:
    rows, given = list(invoice.lines.all()), defaultdict[UUID, Decimal](Decimal)
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
    settled, paid = (
        sum((note.settles for note in notes), ZERO),
        document_standings(invoice.account_id)[invoice.pk].paid,
    )
    if settled + paid > invoice.amount_due:
        yield (
            invoice.number,
            f"{plain(paid)} was paid and {plain(settled)} taken off, of {plain(invoice.amount_due)} to pay",
        )
