"""Credit notes by hand: staff take an invoice back, wholly or by parts of its lines."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import Account, User
from accounts.scope import account_scope
from billing.invoices.actions.issue import database_clock
from billing.invoices.drafts.lines import CATEGORY_FOUND
from billing.invoices.drafts.taken_back import tax_found
from billing.invoices.errors import EntryError
from billing.invoices.ledger.documents import post_document
from billing.invoices.mentions import mentions
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.notes.draft import NoteDraft, NoteLine, draft_credit_note
from billing.invoices.notes.reckoning import discounts_data, taxes_data
from billing.invoices.numbering import series_of, take_number
from billing.invoices.queries import invoice_head
from billing.invoices.snapshot import FORMAT, seller_data
from billing.invoices.standing import Standing, standing
from billing.pricing.money import ZERO, money_string
from billing.webhooks.actions import announce
from billing.webhooks.models import EventType

MAX_REASON = 300


def credit_note(
    invoice: Invoice,
    parts: Mapping[UUID, Decimal] | None = None,
    *,
    reason: str,
    by: User | None,
    quote: str | None = None,
) -> Invoice:
    """Issue a credit note over `parts` of the lines of `invoice` (amounts by key; None: over all that is left).

    The customer reads `reason`. What was still open on the invoice is settled first, the rest becomes credit. With
    `quote`, the figures are those of that draft, or it is refused. `EntryError` says what cannot be.
    """
    reason = " ".join(reason.split())
    if not reason or len(reason) > MAX_REASON:
        raise EntryError(
            "reason", _("Write why, in at most %s characters: the customer reads it.") % MAX_REASON
        )
    with account_scope(invoice.account_id), transaction.atomic():
        # The account, since an issued invoice is not a row that may be locked for a change.
        account = Account.objects.select_for_update(no_key=True).get(pk=invoice.account_id)
        draft, before = draft_credit_note(invoice, parts), standing(invoice)
        if quote is not None and quote != draft.quote:
            raise EntryError(
                "quote", _("Something was paid or given back meanwhile: look at the new figures.")
            )
        note = _issue(account, draft, reason, by)
        announce(account, EventType.INVOICE_ISSUED, invoice_head(note), fact=note.number, at=note.issued_at)
        if _is_paid_by_it(before, standing(invoice)):
            announce(account, EventType.INVOICE_PAID, invoice_head(invoice), fact=invoice.number)
        return note


def _is_paid_by_it(before: Standing, after: Standing) -> bool:
    """Money came, and the rest was taken back; an invoice that nobody paid for is not paid by being taken back."""
    return before.status == "issued" and after.status == "paid" and bool(after.paid)


def _issue(account: Account, draft: NoteDraft, reason: str, by: User | None) -> Invoice:
    """The number is taken last, as for every document."""
    back, invoice = draft.back, draft.invoice
    snapshot, series = _snapshot(draft, reason, by), series_of(Invoice.Kind.CREDIT_NOTE)
    sequence, number = take_number(series)
    now = database_clock()
    note = Invoice.objects.create(
        account=account,
        kind=Invoice.Kind.CREDIT_NOTE,
        series=series,
        sequence=sequence,
        number=number,
        currency=invoice.currency,
        issued_at=now,
        due_at=now,
        period_start=min(line.row.start for line in draft.lines),
        period_end=max(line.row.end for line in draft.lines),
        subtotal=back.subtotal,
        tax_total=back.tax_total,
        total=back.total,
        credits_applied=back.total,
        amount_due=ZERO,
        snapshot=snapshot,
        priced_at=now,
        credited=invoice,
        settles=draft.settles,
    )
    InvoiceLine.objects.bulk_create(_row(note, place, line) for place, line in enumerate(draft.lines, 1))
    post_document(note, by=by.email if by else "")
    return note


def _row(note: Invoice, place: int, line: NoteLine) -> InvoiceLine:
    """An adjustment of what was charged: it belongs to no period, so nothing is priced again for it."""
    row = line.row
    kept = {name: row.detail[name] for name in ("tax_name", CATEGORY_FOUND) if name in row.detail}
    return InvoiceLine(
        invoice=note,
        account_id=note.account_id,
        position=place,
        kind="adjustment",
        charge=row.charge,
        meter=row.meter,
        description=row.description,
        start=row.start,
        end=row.end,
        amount=line.amount,
        exact_amount=line.amount,
        tax_code=row.tax_code,
        tax_rate=row.tax_rate,
        tax_category=row.tax_category,
        credited=row,
        detail={**kept, "credits": {"position": row.position, "kind": row.kind}},
    )


def _snapshot(draft: NoteDraft, reason: str, by: User | None) -> dict[str, Any]:
    """Who bought, in which language and zone, is what the invoice says; the seller is today's."""
    invoice, like = draft.invoice, draft.invoice.snapshot
    with override(like["locale"]):
        categories = {tax_found(line.row).category for line in draft.lines}
        said = mentions(categories, settings.SELLER.country)
    issued_on = _day_of(invoice).isoformat()
    return {
        "format": FORMAT,
        **{name: like[name] for name in ("locale", "timezone", "rounding", "buyer")},
        "seller": seller_data(),
        "discounts": discounts_data(invoice, draft.back),
        "coupons": [],
        "taxes": taxes_data(invoice, draft.back),
        "usage": None,
        "terms_days": settings.PAYMENT_TERMS_DAYS,
        "site_url": settings.SITE_URL,
        "mentions": [text for _code, text in said],
        "mention_codes": [code for code, _text in said],
        "preceding": [{"number": invoice.number, "issued_on": issued_on}],
        "credits": {
            "number": invoice.number,
            "issued_on": issued_on,
            "reason": reason,
            "settles": money_string(draft.settles, invoice.currency),
            "by": by.email if by else "",
        },
    }


def _day_of(invoice: Invoice) -> date:
    return invoice.issued_at.astimezone(ZoneInfo(invoice.snapshot["timezone"])).date()
