"""Issuing: a draft becomes a document with a number that never changes again."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from billing.invoices.drafts import Draft, DraftLine
from billing.invoices.ledger.credit import credit_uses
from billing.invoices.ledger.documents import post_document, uses_data
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.numbering import series_of, take_number
from billing.invoices.queries import invoice_head
from billing.invoices.snapshot import take_snapshot
from billing.plans.models import PendingLine, Period
from billing.pricing.charges import localized
from billing.pricing.money import ZERO
from billing.webhooks.actions import announce
from billing.webhooks.models import EventType

MAX_DESCRIPTION = 300
MAX_UNIT = 100


@transaction.atomic
def issue(
    draft: Draft, *, closes: Period | None, priced_at: datetime, dated: datetime | None = None
) -> Invoice | None:
    """Issue `draft`, or None if it has no line. A negative sum becomes a credit note, whose amount becomes credit.

    `closes` is the period whose usage it invoices; `priced_at` an instant by which every event was seen. `dated` is
    for made-up history only: without it the invoice bears the database's time. The number is taken last.
    """
    if not draft.lines:
        return None
    kind = Invoice.Kind.CREDIT_NOTE if draft.totals.is_credit_note else Invoice.Kind.INVOICE
    sign, foot = -1 if draft.totals.is_credit_note else 1, draft.totals
    uses = credit_uses(draft.account.pk, foot.credits_applied)
    snapshot = {**take_snapshot(draft, sign), "credit_used": uses_data(uses, draft.currency)}
    waited = [each.pending.pk for each in draft.lines if each.pending]
    PendingLine.objects.filter(pk__in=waited).update(invoiced_at=priced_at)
    series = series_of(kind)
    sequence, number = take_number(series)
    issued_at = dated or database_clock()
    total = sign * foot.total
    invoice = Invoice.objects.create(
        account=draft.account,
        kind=kind,
        series=series,
        sequence=sequence,
        number=number,
        currency=draft.currency,
        issued_at=issued_at,
        due_at=_due(issued_at, draft.account.timezone),
        period_start=min(each.line.start for each in draft.lines),
        period_end=max(each.line.end for each in draft.lines),
        subtotal=sign * foot.subtotal,
        tax_total=sign * foot.tax_total,
        total=total,
        credits_applied=foot.credits_applied if sign > 0 else total,
        amount_due=foot.amount_due if sign > 0 else ZERO,
        snapshot=snapshot,
        closes=closes,
        priced_at=priced_at,
    )
    InvoiceLine.objects.bulk_create(
        _row(invoice, place, each, sign) for place, each in enumerate(draft.lines, 1)
    )
    post_document(invoice, uses)
    if dated is None:
        data = invoice_head(invoice)
        announce(draft.account, EventType.INVOICE_ISSUED, data, fact=invoice.number, at=issued_at)
    return invoice


def _due(issued_at: datetime, timezone: str) -> datetime:
    """The same time of day, so many of the customer's calendar days later, whatever his clocks do between."""
    local = issued_at.astimezone(ZoneInfo(timezone))
    return (local + timedelta(days=settings.PAYMENT_TERMS_DAYS)).astimezone(UTC)


def database_clock() -> datetime:
    """The database's time now, not at the transaction's start: numbers and dates then have one order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def _row(invoice: Invoice, place: int, each: DraftLine, sign: int) -> InvoiceLine:
    line, tax, locale = each.line, each.tax, invoice.snapshot["locale"]
    return InvoiceLine(
        invoice=invoice,
        account_id=invoice.account_id,
        position=place,
        kind=line.kind,
        charge=line.charge or "",
        meter=line.meter or "",
        description=localized(line.name, locale)[:MAX_DESCRIPTION],
        start=line.start,
        end=line.end,
        quantity=sign * line.quantity,
        unit=localized(line.unit, locale)[:MAX_UNIT],
        amount=sign * line.amount,
        exact_amount=sign * line.exact_amount,
        tiers=[_tier(row.as_data(), sign) for row in line.tiers],
        tax_code=tax.code,
        tax_rate=tax.rate,
        tax_category=tax.category,
        period=each.period if each.period and each.period.pk else None,
        version=each.version,
        detail=_detail(each, locale),
    )


def _tier(row: dict[str, str | None], sign: int) -> dict[str, str | None]:
    """A row of the working; on a credit note it is given back."""
    if sign > 0:
        return row
    given = {name: _negated(row[name]) for name in ("quantity", "flat_price", "amount")}
    return {**row, **given}


def _negated(text: str | None) -> str:
    value = -Decimal(text or 0)
    return f"{value if value else ZERO:f}"


def _detail(each: DraftLine, locale: str) -> dict[str, Any]:
    """Texts in the invoice's language, the tax's name and the code it was asked by, and the row that waited."""
    detail = {
        name: localized(value, locale) if isinstance(value, Mapping) else value
        for name, value in each.detail.items()
    }
    detail |= {"tax_name": each.tax.name, "tax_asked": each.line.tax}
    return detail | ({"pending": str(each.pending.pk)} if each.pending else {})
