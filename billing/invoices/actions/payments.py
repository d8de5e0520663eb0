"""What was paid. Rows only: an invoice's status is read from them (queries.py)."""

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from accounts.models import Account
from accounts.scope import account_scope
from billing.invoices.actions.issue import database_clock
from billing.invoices.errors import EntryError
from billing.invoices.ledger.documents import post_payment
from billing.invoices.models import Invoice, Payment
from billing.invoices.queries import invoice_head, open_amount
from billing.pricing.money import money_string, round_money
from billing.webhooks.actions import announce
from billing.webhooks.models import EventType


class PaymentError(EntryError):
    """A payment that cannot be recorded."""


def record_payment(
    invoice: Invoice, amount: Decimal, received_at: datetime, method: str = "manual", reference: str = ""
) -> Payment:
    """Record money received for `invoice`. Raises `PaymentError` for more than is open, or not in minor units."""
    if not amount.is_finite() or amount <= 0 or amount != round_money(amount, invoice.currency):
        raise PaymentError("amount", _("Write an amount above zero in whole units of %s.") % invoice.currency)
    with account_scope(invoice.account_id):
        # The account, since an issued invoice is not a row that may be locked for a change.
        account = Account.objects.select_for_update(no_key=True).get(pk=invoice.account_id)
        left = open_amount(invoice)
        if amount > left:
            raise PaymentError(
                "amount",
                _("%(left)s %(currency)s is open on %(number)s: record at most that.")
                % {
                    "left": money_string(left, invoice.currency),
                    "currency": invoice.currency,
                    "number": invoice.number,
                },
            )
        payment = Payment.objects.create(
            account=account,
            invoice=invoice,
            amount=amount,
            received_at=received_at,
            method=method,
            reference=reference,
        )
        post_payment(payment, database_clock())
        if amount == left:
            announce(account, EventType.INVOICE_PAID, invoice_head(invoice), fact=invoice.number)
        return payment
