"""Issuing: drafts become documents with numbers that never change again."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from billing.invoices.actions.inserting import insert
from billing.invoices.drafts import Draft, DraftLine
from billing.invoices.ledger.credit import credit_uses
from billing.invoices.ledger.documents import posting_of, uses_data
from billing.invoices.ledger.postings import post
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.numbering import series_of, take_numbers
from billing.invoices.queries import invoice_head
from billing.invoices.snapshot import take_snapshot
from billing.plans.models import PendingLine, Period
from billing.pricing.charges import localized
from billing.pricing.money import ZERO
from billing.webhooks.actions import Fact, announce_all
from billing.webhooks.models import EventType

MAX_DESCRIPTION = 300
MAX_UNIT = 100


@dataclass(frozen=True, slots=True)
class ToIssue:
    """A draft with a line. `closes` is the period whose usage it invoices.

    `dated` is for made-up history only: without it the document bears the database's time.
    """

    draft: Draft
    closes: Period | None
    dated: datetime | None = None

    @property
    def kind(self) -> Invoice.Kind:
        """A negative sum becomes a credit note, whose amount becomes credit."""
        return Invoice.Kind.CREDIT_NOTE if self.draft.totals.is_credit_note else Invoice.Kind.INVOICE

    @property
    def sign(self) -> int:
        return -1 if self.draft.totals.is_credit_note else 1


@transaction.atomic
def issue(documents: Sequence[ToIssue], priced_at: datetime) -> list[Invoice]:
    """Issue the drafts, at most one of each account, all of them or none. Every event was seen by `priced_at`.

    Numbers are taken last, and the time after them: so they rise with it.
    """
    if not documents:
        return []
    uses = [credit_uses(each.draft.account.pk, each.draft.totals.credits_applied) for each in documents]
    snapshots = [
        {**take_snapshot(each.draft, each.sign), "credit_used": uses_data(used, each.draft.currency)}
        for each, used in zip(documents, uses, strict=True)
    ]
    waited = [line.pending.pk for each in documents for line in each.draft.lines if line.pending]
    if waited:
        PendingLine.objects.filter(pk__in=waited).update(invoiced_at=priced_at)
    numbers = _numbers([series_of(each.kind) for each in documents])
    now = database_clock()
    invoices = [_document(*each, now, priced_at) for each in zip(documents, snapshots, numbers, strict=True)]
    insert(invoices)
    insert(
        [
            _row(invoice, place, line, each.sign)
            for each, invoice in zip(documents, invoices, strict=True)
            for place, line in enumerate(each.draft.lines, 1)
        ]
    )
    post(*(posting_of(invoice, used) for invoice, used in zip(invoices, uses, strict=True)))
    announce_all(
        Fact(
            each.draft.account,
            EventType.INVOICE_ISSUED,
            invoice_head(invoice, just_issued=True),
            invoice.number,
            invoice.issued_at,
        )
        for each, invoice in zip(documents, invoices, strict=True)
        if each.dated is None
    )
    return invoices


def _numbers(series: Sequence[str]) -> list[tuple[int, str]]:
    """(sequence, number) of each document in its series."""
    taken = {code: iter(take_numbers(code, count)) for code, count in sorted(Counter(series).items())}
    return [next(taken[code]) for code in series]


def _document(
    each: ToIssue, snapshot: dict[str, Any], number: tuple[int, str], now: datetime, priced_at: datetime
) -> Invoice:
    draft, sign, issued_at = each.draft, each.sign, each.dated or now
    foot, total = draft.totals, sign * draft.totals.total
    return Invoice(
        account=draft.account,
        kind=each.kind,
        series=series_of(each.kind),
        sequence=number[0],
        number=number[1],
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
        closes=each.closes,
        priced_at=priced_at,
    )


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
