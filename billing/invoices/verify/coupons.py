"""Discounts taken off again: from a document's lines, the coupons known then, and what earlier documents gave."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from billing.invoices.drafts.coupons import Data, coupons_of, taxed, uses_data
from billing.invoices.drafts.late import owed_sign
from billing.invoices.drafts.taken_back import tax_of_row
from billing.invoices.models import Invoice
from billing.invoices.verify.prices import Found
from billing.invoices.verify.rows import documents
from billing.pricing.money import ZERO, exact, plain
from billing.pricing.totals import Totals, totals


def coupon_differences(account_id: int) -> Iterator[Found]:
    """What coupons take off the account's documents, one after another.

    What a document keeps of its coupons counts for the next one, as it did when that was issued: a fault is told once.
    """
    earlier: list[Data] = []
    for invoice in documents(account_id):
        if invoice.credited_id is not None:
            continue
        foot = _foot(invoice, earlier)
        for what, (should, is_) in _amounts(invoice, foot).items():
            if should != is_:
                yield invoice.number, f"{what}: {plain(should)} by its lines, {plain(is_)} on paper"
        kept = invoice.snapshot.get("coupons", [])
        if kept != uses_data(foot.coupons):
            yield invoice.number, "what its coupons gave in each period is not what its lines bear"
        earlier += kept


def _foot(invoice: Invoice, earlier: Sequence[Data]) -> Totals:
    """Sums as they are owed, also on a credit note."""
    rows = [
        taxed(row.kind, owed_sign(row) * row.amount, tax_of_row(row), row.period, invoice.priced_at)
        for row in invoice.lines.all()
    ]
    coupons = coupons_of(invoice.account, redeemed_by=invoice.priced_at, earlier=earlier)
    return totals(rows, coupons, ZERO, invoice.currency)


@exact()
def _amounts(invoice: Invoice, foot: Totals) -> dict[str, tuple[Decimal, Decimal]]:
    """By coupon, and by category and rate of tax: what is to be taken off, and what was."""
    sign = -1 if invoice.kind == Invoice.Kind.CREDIT_NOTE else 1
    should, is_ = defaultdict[str, Decimal](Decimal), defaultdict[str, Decimal](Decimal)
    for one in foot.discounts:
        should[f"coupon {one.code}"] += one.amount
    for tax in foot.taxes:
        should[f"discount at {tax.category} {plain(tax.rate)} %"] += tax.discount
    for row in invoice.snapshot["discounts"]:
        is_[f"coupon {row['coupon']}"] += sign * Decimal(row["amount"])
    for row in invoice.snapshot["taxes"]:
        is_[f"discount at {row['category']} {row['rate']} %"] += sign * Decimal(row["discount"])
    return {what: (should[what], is_[what]) for what in dict.fromkeys([*should, *is_])}
