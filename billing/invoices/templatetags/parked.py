"""Accounts that could not be billed, for the admin's first page."""

from django import template

from billing.invoices.models import ParkedAccount

register = template.Library()


@register.simple_tag
def parked_accounts() -> int:
    """How many there are."""
    return ParkedAccount.objects.count()
