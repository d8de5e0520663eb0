"""A prepayment before it is invoiced: the tax that lies in what was received."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.models import Account
from billing.invoices.errors import EntryError
from billing.plans.models import TaxRate
from billing.plans.queries import tax_for
from billing.pricing.money import exact, round_fraction, round_money
from billing.pricing.taxes import Tax


@dataclass(frozen=True, slots=True)
class PrepaidDraft:
    """`amount` = `net` + `tax_amount`, in minor units of the account's currency."""

    account: Account
    amount: Decimal
    net: Decimal
    tax_amount: Decimal
    tax: Tax


@exact()
def draft_prepayment(account: Account, amount: Decimal, received_at: datetime, tax: str) -> PrepaidDraft:
    """The tax is that of the day of receipt (Directive 2006/112/EC, article 65). `EntryError` says what cannot be."""
    if not amount.is_finite() or amount <= 0 or amount != round_money(amount, account.currency):
        raise EntryError("amount", _("Write an amount above zero in whole units of %s.") % account.currency)
    if tax and not TaxRate.objects.filter(code=tax).exists():
        raise EntryError("tax", _("There is no tax with the code %s.") % tax)
    found = tax_for(account, tax, None, received_at.astimezone(ZoneInfo(account.timezone)).date())
    net = round_fraction(Fraction(amount) * 100 / (100 + Fraction(found.rate)), account.currency)
    return PrepaidDraft(account, amount, net, amount - net, found)
