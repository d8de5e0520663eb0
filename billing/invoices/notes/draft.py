"""A credit note by hand before it is issued: what the page of the staff shows, and what is issued when they confirm."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum
from django.utils.translation import gettext as _

from billing.invoices.errors import EntryError
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.notes.reckoning import charged_lines, reckon
from billing.invoices.standing import standing
from billing.pricing.given_back import GiveBackError, GivenBack
from billing.pricing.money import ZERO, money_string


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A line of the invoice, how much of it may still be given back, and how much this credit note gives back."""

    row: InvoiceLine
    left: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class NoteDraft:
    """Amounts are what is given back, in minor units. `settles` of the total was still open on the invoice."""

    invoice: Invoice
    lines: tuple[NoteLine, ...]
    back: GivenBack
    settles: Decimal

    @property
    def credit(self) -> Decimal:
        """What had been paid, and so becomes credit."""
        return self.back.total - self.settles

    @property
    def quote(self) -> str:
        """Names these figures: who confirms them gets these and no other ones."""
        parts = [f"{line.row.pk}={line.amount:f}" for line in self.lines]
        text = "|".join([self.invoice.number, *parts, f"{self.back.total:f}", f"{self.settles:f}"])
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def creditable_lines(invoice: Invoice) -> list[NoteLine]:
    """Every line of the invoice with what is left of it."""
    rows, given = _rows(invoice)
    return [NoteLine(row, row.amount - given.get(row.pk, ZERO), ZERO) for row in rows]


def draft_credit_note(invoice: Invoice, parts: Mapping[UUID, Decimal] | None) -> NoteDraft:
    """A credit note over `parts` of the lines of `invoice`, by their keys; None: over all that is left of it.

    Inside the account's scope. `EntryError` names the line by its key, or no field where it is the sum.
    """
    if invoice.kind != Invoice.Kind.INVOICE:
        raise EntryError("", _("%s is a credit note: it is an invoice that is taken back.") % invoice.number)
    if "prepayment" in invoice.snapshot:
        raise EntryError("", _("%s is a prepayment: later invoices use it up.") % invoice.number)
    rows, given = _rows(invoice)
    try:
        back = reckon(invoice, charged_lines(rows, given), parts)
    except GiveBackError as error:
        raise _refusal(error, rows, invoice) from error
    lines = [
        NoteLine(row, row.amount - given.get(row.pk, ZERO), back.lines[row.pk])
        for row in rows
        if row.pk in back.lines
    ]
    return NoteDraft(invoice, tuple(lines), back, min(back.total, standing(invoice).open))


def _rows(invoice: Invoice) -> tuple[Sequence[InvoiceLine], dict[UUID, Decimal]]:
    """The lines, and what earlier credit notes gave back by line."""
    rows = list(invoice.lines.order_by("position"))
    notes = InvoiceLine.objects.filter(credited__invoice=invoice).order_by().values_list("credited")
    return rows, dict(notes.annotate(sum=Sum("amount")))


def _refusal(error: GiveBackError, rows: Sequence[InvoiceLine], invoice: Invoice) -> EntryError:
    left = f"{money_string(error.left, invoice.currency)} {invoice.currency}"
    row = next((row for row in rows if row.pk == error.key), None)
    if row is not None:
        words = {"place": row.position, "left": left}
        return EntryError(str(row.pk), _("Line %(place)s: %(left)s can be given back at most.") % words)
    if not error.left:
        return EntryError("", _("Nothing is left of %s to give back.") % invoice.number)
    words = {"number": invoice.number, "left": left}
    return EntryError(
        "",
        _(
            "Give back more than nothing, and with tax and discounts at most what %(number)s came to: "
            "lines that took something off go back along with the others (%(left)s are left)."
        )
        % words,
    )
