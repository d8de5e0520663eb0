"""What there is to bill: accounts on a plan with two rates of tax, usage in every month."""

from datetime import timedelta
from decimal import Decimal

from django.conf import settings

from accounts.models import User
from accounts.scope import installation_scope
from billing.payments.providers import card_provider
from billing.plans.actions import load_catalog, redeem
from tests.harness.billing.working import ACCOUNTS, BEGAN, MONTHS, STAFF, code
from tests.invoices import world
from tests.payments.conftest import add_card
from tests.payments.stripe_site import LocalStripe


def sell(accounts: int = ACCOUNTS, months: int = MONTHS) -> None:
    """Inside the settings of an installation that is empty."""
    with installation_scope():
        world.load(world.plan("mixed", {**world.OUT, "tax": "fr-55"}, world.IN))
        load_catalog({"catalog": 1, "coupons": [{"code": "TENTH", "percent": "10"}]})
        sold = [world.customer(code(number)) for number in range(accounts)]
        for place, account in enumerate(sold):
            if place % 2:
                redeem(account, "TENTH", at=BEGAN)
            world.on_plan(account, "mixed", BEGAN)
        User.objects.create_user(STAFF, is_staff=True)
    provider = card_provider()
    assert provider is not None
    for account in sold:
        add_card(LocalStripe(settings.STRIPE.api_url), provider, account)
    for place, account in enumerate(sold):
        world.send(
            world.event(
                account,
                BEGAN + timedelta(days=31 * month + place % 28, hours=1),
                output_tokens=1_000_000 + 700_000 * place,
                input_tokens=str(Decimal(123_456) * (month + 1)),
            )
            for month in range(months)
        )
