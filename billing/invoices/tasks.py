"""Work for the background: the PDFs that nobody asked for yet."""

from accounts.models import Account
from accounts.scope import account_scope
from billing.invoices.models import Invoice
from billing.invoices.pdf import ensure_document


def render_missing(account: Account, limit: int = 20) -> int:
    """Render the PDFs that the account's documents lack, oldest first, at most `limit`; how many were made."""
    with account_scope(account.pk):
        waiting = list(Invoice.objects.filter(account=account, document=None).order_by("issued_at")[:limit])
    for invoice in waiting:
        ensure_document(invoice)
    return len(waiting)
