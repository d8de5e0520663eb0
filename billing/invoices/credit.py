"""Credit: what credit notes gave and later invoices used up, both read from the issued rows themselves."""

from decimal import Decimal

from django.db.models import F, Sum

from accounts.models import Account
from billing.invoices.models import Invoice
from billing.pricing.money import ZERO, exact


@exact()
def credit_left(account: Account) -> Decimal:
    """What the account has left of its credit notes, in its currency; never below zero.

    A credit note turns its total into credit, less what it settles of the invoice that it takes back; an invoice
    applies some of it.
    """
    rows = Invoice.objects.filter(account=account).values_list("kind")
    sums: dict[str, Decimal] = dict(rows.annotate(sum=Sum(F("credits_applied") - F("settles"))).order_by())
    return max(sums.get(Invoice.Kind.CREDIT_NOTE, ZERO) - sums.get(Invoice.Kind.INVOICE, ZERO), ZERO)
