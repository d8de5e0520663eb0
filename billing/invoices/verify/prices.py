"""A period's lines against the period priced again from its events, as they were stored when each was issued."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from accounts.reading import once
from billing.invoices.drafts.late import (
    TaxesAsInvoiced,
    invoiced_lines,
    key_of_draft,
    key_of_row,
    lines_of_use,
    owed_sign,
    sums_drafted,
    sums_invoiced,
)
from billing.invoices.drafts.lines import DraftLine
from billing.invoices.evidence import was_replaced
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.verify.raw import rated_from_events
from billing.invoices.verify.rows import documents, waited
from billing.plans.models import Period
from billing.plans.queries import base_charge
from billing.pricing.money import ZERO, exact, plain
from billing.proof.sums import Sum

type Found = tuple[str, str]
"""Where (a document's number, or the period) and what differs."""


def usage_differences(period: Period) -> Iterator[Found]:
    """What was invoiced for the usage of `period`, after each invoice that says something of it."""
    rows = invoiced_lines(period)
    for stored_by, invoice in priced_at(period):
        upto = [row for row in rows if row.invoice.priced_at <= stored_by]
        yield from _at(period, stored_by, invoice, upto)


def priced_at(period: Period) -> list[tuple[datetime, Invoice]]:
    """When the usage of `period` was priced, and in which document, in order of time. Left out are instants after which
    events of it were replaced: what they said then is not kept.
    """
    issues = {row.invoice.priced_at: row.invoice for row in invoiced_lines(period)}
    closing = next((one for one in documents(period.account_id) if one.closes_id == period.pk), None)
    if closing is not None:
        issues.setdefault(closing.priced_at, closing)
    if not issues and period.closed_at is not None:
        issues = {
            period.closed_at: Invoice(number=f"period {period.start:%Y-%m-%d} of {period.account.code}")
        }
    in_order = sorted(issues.items(), key=lambda each: each[0])
    return [(at, invoice) for at, invoice in in_order if not was_replaced(period, at)]


def _at(
    period: Period, stored_by: datetime, invoice: Invoice, rows: Sequence[InvoiceLine]
) -> Iterator[Found]:
    taxes = TaxesAsInvoiced(period, rows)
    now = lines_of_use(rated_from_events((period, stored_by)), taxes)
    expected, actual = sums_drafted(now), sums_invoiced(rows)
    for key in dict.fromkeys([*expected, *actual]):
        should, is_ = expected.get(key, Sum()).amount, actual.get(key, Sum()).amount
        if should != is_:
            kind, charge, meter, *_rest = key
            what = " ".join(part for part in (kind, charge or meter) if part)
            yield invoice.number, f"{what}: {plain(should)} by its events, {plain(is_)} on paper"
    if all(row.kind != "late_usage" for row in rows):
        yield from _line_by_line(now, rows, invoice)


def _line_by_line(now: Sequence[DraftLine], rows: Sequence[InvoiceLine], invoice: Invoice) -> Iterator[Found]:
    """The first invoice of a period: each line's quantity, exact amount and working."""
    by_place = {(key_of_draft(each), each.line.start): each.line for each in now}
    for row in rows:
        line, sign = by_place.get((key_of_row(row), row.start)), owed_sign(row)
        if line is None:
            yield invoice.number, f"line {row.position}: nothing was used that it could charge"
            continue
        shown = sign * (row.quantity or ZERO), sign * row.exact_amount
        if shown != (line.quantity, line.exact_amount):
            yield (
                invoice.number,
                f"line {row.position}: {plain(line.quantity)} units, exactly {plain(line.exact_amount)} by its events, "
                f"{plain(shown[0])} and {plain(shown[1])} on paper",
            )
        elif sign > 0 and row.tiers != [tier.as_data() for tier in line.tiers]:
            yield invoice.number, f"line {row.position}: its working is not that of its events"


@exact()
def base_differences(period: Period) -> Iterator[Found]:
    """The base price of `period`, once and as agreed."""
    charge = base_charge(period)
    rows = _base_lines(period.account_id).get(period.pk, [])
    owed = charge.amount if charge and charge.price and period.base_invoiced_at is not None else ZERO
    is_ = sum((owed_sign(row) * row.amount for row in rows), ZERO)
    if owed != is_:
        where = rows[0].invoice.number if rows else f"period {period.start:%Y-%m-%d} of {period.account.code}"
        yield where, f"base price: {plain(owed)} agreed, {plain(is_)} on paper"


@once
def _base_lines(account_id: int) -> dict[int | None, list[InvoiceLine]]:
    """By period, the lines of its base price."""
    found = defaultdict[int | None, list[InvoiceLine]](list)
    for invoice in documents(account_id):
        for row in invoice.lines.all():
            if row.kind == "base":
                found[row.period_id].append(row)
    return found


def waiting_differences(account_id: int) -> Iterator[Found]:
    """Prorations and adjustments, each on one document as it waited for it."""
    shown = {
        row.detail.get("pending"): row
        for invoice in documents(account_id)
        for row in invoice.lines.all()
        if row.kind in {"proration", "adjustment"} and row.credited_id is None
        if "prepayment" not in invoice.snapshot
    }
    for one in waited(account_id):
        row = shown.pop(str(one.pk), None)
        if row is None:
            yield (
                f"line {one.pk}",
                f"{one.kind} of {plain(one.amount)} was invoiced and is on no document",
            )
        elif owed_sign(row) * row.amount != one.amount:
            yield (
                row.invoice.number,
                f"line {row.position}: {plain(one.amount)} agreed, {plain(row.amount)} on paper",
            )
    for row in shown.values():
        yield row.invoice.number, f"line {row.position}: {row.kind} that nobody entered"
