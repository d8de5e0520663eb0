"""Money in advance, and credit that is paid out: staff record them, the ledger has them at once."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import Account, User
from accounts.scope import account_scope
from billing.invoices.actions.issue import database_clock
from billing.invoices.errors import EntryError
from billing.invoices.ledger.credit import credit_uses, refundable
from billing.invoices.ledger.documents import post_document, post_payment
from billing.invoices.ledger.postings import Kind, Posting, post
from billing.invoices.mentions import mentions
from billing.invoices.models import Invoice, InvoiceLine, Payment
from billing.invoices.notes.prepaid import PrepaidDraft, draft_prepayment
from billing.invoices.numbering import series_of, take_number
from billing.invoices.queries import invoice_head
from billing.invoices.snapshot import BUYER, FORMAT, seller_data
from billing.pricing.money import ZERO, money_string, plain, round_money
from billing.webhooks.actions import announce
from billing.webhooks.models import EventType


def record_prepayment(
    account: Account,
    amount: Decimal,
    received_at: datetime,
    tax: str = "",
    *,
    reference: str = "",
    by: User | None,
) -> Invoice:
    """Invoice `amount`, tax included, that was received in advance; all of it becomes credit. Gives the paid invoice.

    `tax` is a code of the table, "" the one that the account has. `EntryError` says what cannot be.
    """
    if received_at > timezone.now():
        raise EntryError(
            "received_at", _("Write an instant that has come: money is invoiced when it was received.")
        )
    with account_scope(account.pk), transaction.atomic():
        account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        invoice = _issue(draft_prepayment(account, amount, received_at, tax), received_at, reference, by)
        payment = Payment.objects.create(
            account=account, invoice=invoice, amount=amount, received_at=received_at, reference=reference
        )
        post_payment(payment, invoice.issued_at)
        head = invoice_head(invoice)
        announce(account, EventType.INVOICE_ISSUED, head, fact=invoice.number, at=invoice.issued_at)
        announce(account, EventType.INVOICE_PAID, head, fact=invoice.number)
        return invoice


def refund_credit(account: Account, amount: Decimal, *, reference: str, by: User | None) -> int:
    """Record that `amount` of the account's credit was paid out, the oldest first; returns the key in the ledger.

    Of prepayments nothing: their tax was invoiced. `EntryError` says what cannot be.
    """
    if not amount.is_finite() or amount <= 0 or amount != round_money(amount, account.currency):
        raise EntryError("amount", _("Write an amount above zero in whole units of %s.") % account.currency)
    if not reference.strip():
        raise EntryError("reference", _("Write how it was paid out, and why."))
    with account_scope(account.pk):
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        left = refundable(account.pk)
        if amount > left:
            words = {"left": money_string(left, account.currency), "currency": account.currency}
            raise EntryError(
                "amount",
                _(
                    "%(left)s %(currency)s of credit can be paid out: write at most that. "
                    "Prepayments are used by invoices."
                )
                % words,
            )
        (key,) = post(
            Posting(
                kind=Kind.REFUND,
                account_id=account.pk,
                amounts={"used": amount},
                at=database_clock(),
                uses=credit_uses(account.pk, amount, refunded=True),
                reference=reference.strip(),
                by=by.email if by else "",
            )
        )
        return key


def _issue(draft: PrepaidDraft, received_at: datetime, reference: str, by: User | None) -> Invoice:
    """The number is taken last, as for every document."""
    account, series = draft.account, series_of(Invoice.Kind.INVOICE)
    snapshot = _snapshot(draft, received_at, reference, by)
    sequence, number = take_number(series)
    now = database_clock()
    invoice = Invoice.objects.create(
        account=account,
        series=series,
        sequence=sequence,
        number=number,
        currency=account.currency,
        issued_at=now,
        due_at=now,
        period_start=received_at,
        period_end=received_at,
        subtotal=draft.net,
        tax_total=draft.tax_amount,
        total=draft.amount,
        credits_applied=ZERO,
        amount_due=draft.amount,
        snapshot=snapshot,
        priced_at=now,
    )
    InvoiceLine.objects.create(
        invoice=invoice,
        account=account,
        position=1,
        kind="adjustment",
        description=snapshot["prepayment"]["description"],
        start=received_at,
        end=received_at,
        amount=draft.net,
        exact_amount=draft.net,
        tax_code=draft.tax.code,
        tax_rate=draft.tax.rate,
        tax_category=draft.tax.category,
        detail={"tax_name": draft.tax.name},
    )
    post_document(invoice, by=by.email if by else "")
    return invoice


def _snapshot(draft: PrepaidDraft, received_at: datetime, reference: str, by: User | None) -> dict[str, Any]:
    account, tax, currency = draft.account, draft.tax, draft.account.currency
    day = received_at.astimezone(ZoneInfo(account.timezone)).date()
    with override(account.locale):
        said = mentions({tax.category}, settings.SELLER.country)
        description = _("Prepayment received on %(day)s") % {
            "day": format_date(day, "long", locale=account.locale)
        }
    return {
        "format": FORMAT,
        "locale": account.locale,
        "timezone": account.timezone,
        "rounding": "half-up",
        "seller": seller_data(),
        "buyer": {name: getattr(account, name) for name in BUYER},
        "discounts": [],
        "coupons": [],
        "taxes": [
            {
                "code": tax.code,
                "name": tax.name,
                "category": tax.category,
                "rate": plain(tax.rate),
                "discount": money_string(ZERO, currency),
                "taxable": money_string(draft.net, currency),
                "amount": money_string(draft.tax_amount, currency),
            }
        ],
        "usage": None,
        "terms_days": settings.PAYMENT_TERMS_DAYS,
        "site_url": settings.SITE_URL,
        "mentions": [text for _code, text in said],
        "mention_codes": [code for code, _text in said],
        "preceding": [],
        "credit_used": [],
        "prepayment": {
            "description": description,
            "received_on": day.isoformat(),
            "reference": reference,
            "by": by.email if by else "",
        },
    }
