"""What changes: documents are issued, payments recorded. Nothing issued is ever changed."""

from billing.invoices.actions.adjustments import adjust, take_adjustment_back
from billing.invoices.actions.bill import AccountBusy, Round, bill_account, bill_next, issue_first_base
from billing.invoices.actions.credit_notes import credit_note
from billing.invoices.actions.due import Due, due_documents, not_begun, periods_begun, periods_over
from billing.invoices.actions.issue import issue
from billing.invoices.actions.payments import PaymentError, record_payment, take_payment_back
from billing.invoices.actions.prepayments import record_prepayment, refund_credit

__all__ = [
    "AccountBusy",
    "Due",
    "PaymentError",
    "Round",
    "adjust",
    "bill_account",
    "bill_next",
    "credit_note",
    "due_documents",
    "issue",
    "issue_first_base",
    "not_begun",
    "periods_begun",
    "periods_over",
    "record_payment",
    "record_prepayment",
    "refund_credit",
    "take_adjustment_back",
    "take_payment_back",
]
