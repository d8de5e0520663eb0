"""What was paid. Rows only: an invoice's status is read from them (queries.py)."""

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from accounts.models import Account, User
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


def check_taken_back(payment: Payment) -> None:
    """Raise `PaymentError` if it cannot be taken back. In the account's scope."""
    if payment.reverses_id or Payment.objects.filter(reverses=payment).exists():
        raise PaymentError("", _("This payment was taken back already."))
    if "prepayment" in payment.invoice.snapshot:
        raise PaymentError("", _("A prepayment became credit, which may be used by now: it stays."))


def take_payment_back(payment: Payment, *, reason: str, by: User | None) -> Payment:
    """Record that money which was recorded is not there: returned by the bank, or recorded wrongly.

    The invoice is as open as before it. `EntryError` if it was taken back before, or became credit (a prepayment).
    """
    if not reason.strip():
        raise PaymentError("reason", _("Write why: it is kept with your name."))
    with account_scope(payment.account_id):
        account = Account.objects.select_for_update(no_key=True).get(pk=payment.account_id)
        check_taken_back(payment)
        back = Payment.objects.create(
            account=account,
            invoice=payment.invoice,
            amount=-payment.amount,
            received_at=database_clock(),
            method=payment.method,
            reference=reason.strip(),
            reverses=payment,
        )
        post_payment(back, back.received_at, by.email if by else "")
        return back
