"""Documents, payments and refunds as the ledger has them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.invoices.ledger.credit import Use
from billing.invoices.ledger.postings import Amounts, Kind, Posting, post
from billing.invoices.models import Invoice, Payment
from billing.pricing.money import ZERO, exact, money_string


def kind_of(invoice: Invoice) -> str:
    """What a document is to the ledger."""
    if invoice.kind == Invoice.Kind.CREDIT_NOTE:
        return Kind.CREDIT_NOTE
    return Kind.PREPAYMENT if "prepayment" in invoice.snapshot else Kind.INVOICE


@exact()
def amounts_of(invoice: Invoice, prepaid_tax: Decimal = ZERO) -> Amounts:
    """The amounts that `POSTINGS` names; `prepaid_tax` is that of the prepayments which the invoice uses."""
    kind, net = kind_of(invoice), invoice.total - invoice.tax_total
    if kind == Kind.CREDIT_NOTE:
        given = invoice.total - invoice.settles
        return {"net": net, "tax": invoice.tax_total, "settled": invoice.settles, "given": given}
    if kind == Kind.PREPAYMENT:
        return {"due": invoice.amount_due, "given": invoice.total, "tax": invoice.tax_total}
    tax = invoice.tax_total - prepaid_tax
    return {"due": invoice.amount_due, "net": net, "tax": tax, "prepaid_tax": prepaid_tax}


def posting_of(invoice: Invoice, uses: Sequence[Use] = (), by: str = "") -> Posting:
    """What is written of an issued document; `uses` is the credit that it applies."""
    return Posting(
        kind=kind_of(invoice),
        account_id=invoice.account_id,
        amounts=amounts_of(invoice, sum((use.tax for use in uses), ZERO)),
        at=invoice.issued_at,
        document=invoice.pk,
        receivable=invoice.credited_id or invoice.pk,
        uses=uses,
        by=by,
    )


def post_document(invoice: Invoice, by: str = "") -> None:
    """Write an issued document that uses no credit."""
    post(posting_of(invoice, by=by))


def post_payment(payment: Payment, at: datetime, by: str = "") -> None:
    """Write money that was received for an invoice, or went back."""
    post(
        Posting(
            kind=Kind.PAYMENT,
            account_id=payment.account_id,
            amounts={"paid": payment.amount},
            at=at,
            payment=payment.pk,
            receivable=payment.invoice_id,
            reference=payment.reference,
            by=by,
        )
    )


def uses_data(uses: Sequence[Use], currency: str) -> list[dict[str, Any]]:
    """Which credit paid what, as the snapshot of a document keeps it."""
    return [
        {
            "number": use.number,
            "amount": money_string(use.amount, currency),
            "tax": money_string(use.tax, currency),
            **({"issued_on": use.prepaid_on.isoformat()} if use.prepaid_on else {}),
        }
        for use in uses
    ]
