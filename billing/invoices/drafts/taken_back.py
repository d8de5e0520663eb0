"""Taxes of what issued documents charged, for the lines that take it back (contract, section 5)."""

from dataclasses import replace

from django.db.models import Q

from billing.invoices.drafts.lines import CATEGORY_FOUND
from billing.invoices.models import Invoice, InvoiceLine
from billing.plans.models import PendingLine
from billing.pricing.taxes import Tax

CHARGED = Q(invoice__kind=Invoice.Kind.INVOICE, amount__gt=0) | Q(
    invoice__kind=Invoice.Kind.CREDIT_NOTE, amount__lt=0
)
"""Lines that the customer owes: a credit note's amounts are what is given back."""


def tax_of_row(row: InvoiceLine) -> Tax:
    """The tax that an issued line bears."""
    return Tax(row.tax_code, row.detail.get("tax_name", row.tax_code), row.tax_rate, row.tax_category)


def tax_found(row: InvoiceLine) -> Tax:
    """The tax that an issued line would bear on a document of its own (`drafts.lines.unmixed`)."""
    return replace(tax_of_row(row), category=row.detail.get(CATEGORY_FOUND, row.tax_category))


def tax_charged(row: PendingLine) -> Tax | None:
    """The tax of the base price that `row` gives days of back; None if it gives none back, or none is issued yet."""
    if row.kind != "proration" or row.amount >= 0:
        return None
    charged = InvoiceLine.objects.filter(
        CHARGED,
        account=row.account_id,
        period__subscription=row.subscription_id,
        version=row.version_id,
        kind__in=("base", "proration"),
        detail__first_day__lte=row.detail["first_day"],
        detail__end_day__gt=row.detail["first_day"],
    )
    newest = charged.order_by("invoice__issued_at", "position").last()
    return tax_found(newest) if newest else None
