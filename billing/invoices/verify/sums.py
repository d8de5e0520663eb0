"""The arithmetic of a document, its PDF, and what must hold of all documents together."""

from collections.abc import Iterator
from decimal import Decimal

from django.db import connection
from django.db.models import Count, Max, Min

from billing.invoices.models import Invoice, Series
from billing.invoices.numbering import WIDTH
from billing.invoices.verify.prices import Found
from billing.invoices.verify.rows import changed_pdfs
from billing.pricing.money import ZERO, exact, plain, quantum, round_money

TRIGGERS = frozenset(
    {
        "issued_invoice_stays",
        "issued_invoices_stay",
        "issued_line_stays",
        "issued_lines_stay",
        "issued_document_stays",
        "issued_documents_stay",
        "issued_in_transaction",
        "line_is_issued_with_its_invoice",
        "invoice_adds_up",
        "credit_note_stays_within",
        "recorded_payment_stays",
        "recorded_payments_stay",
        "posted_transaction_stays",
        "posted_transactions_stay",
        "posted_entry_stays",
        "posted_entries_stay",
        "posted_in_transaction",
        "entry_is_posted_with_its_transaction",
        "transaction_balances",
    }
)


@exact()
def sum_differences(invoice: Invoice) -> Iterator[Found]:
    """Lines = subtotal; taxes by category and rate, rounded once each; total; amount due."""
    lines, currency = list(invoice.lines.all()), invoice.currency
    places = [line.position for line in lines]
    if places != list(range(1, len(lines) + 1)) or not lines:
        yield invoice.number, f"its lines are numbered {places}: one is missing"
    for line in lines:
        if line.amount != round_money(line.amount, currency):
            yield (
                invoice.number,
                f"line {line.position}: {plain(line.amount)} is not in whole units of {currency}",
            )
    discount = sum((Decimal(each["amount"]) for each in invoice.snapshot["discounts"]), ZERO)
    sums: dict[tuple[str, Decimal], Decimal] = {}
    for line in lines:
        key = line.tax_category, line.tax_rate
        sums[key] = sums.get(key, ZERO) + line.amount
    taxes = ZERO
    for tax in invoice.snapshot["taxes"]:
        rate, taxable = Decimal(tax["rate"]), Decimal(tax["taxable"])
        net = sums.pop((tax["category"], rate), ZERO) - Decimal(tax["discount"])
        amount = round_money((taxable * rate).scaleb(-2), currency)
        if _tax_is_a_difference(invoice) and abs(Decimal(tax["amount"]) - amount) <= quantum(currency):
            amount = Decimal(tax["amount"])
        taxes += amount
        if net != taxable or amount != Decimal(tax["amount"]):
            yield (
                invoice.number,
                f"tax {tax['code']}: {plain(amount)} on {plain(net)}, on paper {tax['amount']} on {tax['taxable']}",
            )
    if sums:
        yield invoice.number, f"no tax is told for lines at {sorted(sums)}"
    subtotal = sum((line.amount for line in lines), ZERO)
    total = subtotal - discount + taxes
    shown = (invoice.subtotal, invoice.tax_total, invoice.total, invoice.amount_due)
    should = (subtotal, taxes, total, total - invoice.credits_applied)
    for name, value, is_ in zip(("subtotal", "tax", "total", "amount due"), should, shown, strict=True):
        if value != is_:
            yield invoice.number, f"{name}: {plain(value)} by its lines, {plain(is_)} on paper"


def _tax_is_a_difference(invoice: Invoice) -> bool:
    """Of a credit note by hand: what its invoice's tax comes to with it, less what it came to before (`verify.notes`).
    Of a prepayment: what was received, less the net in it.
    """
    return invoice.credited_id is not None or "prepayment" in invoice.snapshot


def document_differences(account_id: int) -> Iterator[Found]:
    """PDFs whose bytes are not those of their hash."""
    for number in changed_pdfs(account_id):
        yield number, "its PDF is not the one that was stored"


def number_differences(series: str | None = None) -> Iterator[Found]:
    """Numbers from 1 on without a gap, as many as the counter says, each written as its sequence says."""
    kept = dict(Series.objects.values_list("code", "last"))
    rows = Invoice.objects.values("series").annotate(n=Count("pk"), low=Min("sequence"), high=Max("sequence"))
    found = {row["series"]: row for row in rows.order_by("series")}
    for code in sorted({*kept, *found} if series is None else {series}):
        row, last = found.get(code, {"n": 0, "low": 1, "high": 0}), kept.get(code, 0)
        if (row["n"], row["low"], row["high"]) != (last, 1, last):
            yield (
                f"series {code}",
                f"{last} numbers were given, {row['n']} documents are there, from {row['low']} to {row['high']}",
            )
    for invoice in (
        Invoice.objects.only("number", "series", "sequence").order_by("series", "sequence").iterator()
    ):
        if invoice.number != f"{invoice.series}-{invoice.sequence:0{WIDTH}d}":
            yield (
                invoice.number,
                f"its number is not that of place {invoice.sequence} in series {invoice.series}",
            )


def trigger_differences() -> Iterator[Found]:
    """Triggers that keep documents as they are, and that are switched off or gone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgname = ANY(%s) AND tgenabled IN ('O', 'A')",
            [sorted(TRIGGERS)],
        )
        enabled = {name for (name,) in cursor.fetchall()}
    for name in sorted(TRIGGERS - enabled):
        yield "triggers", f"{name} is switched off or gone: issued documents can be changed"
