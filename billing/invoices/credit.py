"""Credit: what credit notes gave and later invoices used up, both read from the issued rows themselves."""

from decimal import Decimal

from django.db.models import Sum

from accounts.models import Account
from billing.invoices.models import Invoice
from billing.pricing.money import ZERO, exact


@exact()
def credit_left(account: Account) -> Decimal:
    """What the account has left of its credit notes, in its currency; never below zero.

    A credit note turns its whole total into credit (its `credits_applied`); an invoice applies some of it.
    """
    rows = Invoice.objects.filter(account=account).values_list("kind").annotate(sum=Sum("credits_applied"))
    sums: dict[str, Decimal] = dict(rows.order_by())
    return max(sums.get(Invoice.Kind.CREDIT_NOTE, ZERO) - sums.get(Invoice.Kind.INVOICE, ZERO), ZERO)
