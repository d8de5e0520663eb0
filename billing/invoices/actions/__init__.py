"""What changes: documents are issued, payments recorded. Nothing issued is ever changed."""

from billing.invoices.actions.adjustments import adjust, take_adjustment_back
from billing.invoices.actions.bill import AccountBusy, Due, bill_account, due_documents, issue_first_base
from billing.invoices.actions.credit_notes import credit_note
from billing.invoices.actions.issue import issue
from billing.invoices.actions.payments import PaymentError, record_payment, take_payment_back
from billing.invoices.actions.prepayments import record_prepayment, refund_credit

__all__ = [
    "AccountBusy",
    "Due",
    "PaymentError",
    "adjust",
    "bill_account",
    "credit_note",
    "due_documents",
    "issue",
    "issue_first_base",
    "record_payment",
    "record_prepayment",
    "refund_credit",
    "take_adjustment_back",
    "take_payment_back",
]
