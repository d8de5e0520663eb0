"""Which tax a line of an account bears."""

from collections.abc import Sequence
from datetime import date

from django.conf import settings
from stdnum.eu import vat

from accounts.models import Account
from accounts.reading import once
from billing.plans.models import TaxRate
from billing.pricing.taxes import Tax, choose_tax


def tax_for(account: Account, charge_tax: str | None, plan_tax: str | None, on: date) -> Tax:
    """The tax of a line whose tax point is the day `on`: the charge's, else the plan's, else the account's."""
    return choose_tax(
        line_tax=charge_tax or None,
        plan_tax=plan_tax or None,
        account_tax_code=account.tax_code or None,
        account_country=account.country,
        seller_country=settings.SELLER.country,
        vat_id_valid=vat_id_is_valid(account.tax_id, account.country),
        rules=tax_rules(),
        on=on,
    )


@once
def tax_rules() -> Sequence[TaxRate]:
    return list(TaxRate.objects.all())


def vat_id_is_valid(tax_id: str, country: str) -> bool:
    """Whether `tax_id` has the form and check digits of a VAT id of the EU country `country`."""
    letters = (
        ("EL", "GR") if country == "GR" else (country,)
    )  # Greece's begin with EL, and are written with GR too
    return tax_id.startswith(letters) and bool(vat.is_valid(tax_id))
