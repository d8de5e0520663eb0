"""A Stripe of our own beside the site of the tests."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from accounts.models import Account
from billing.payments.cards import begin_card, keep_card, setup_of
from billing.payments.models import Card
from billing.payments.providers import card_provider
from billing.payments.providers.base import Provider
from tests.payments.stripe_site import GOOD, SECRET, LocalStripe, started


@pytest.fixture(scope="session")
def localstripe() -> Iterator[LocalStripe]:
    found, process = started()
    yield found
    process.terminate()
    process.wait()


@pytest.fixture
def stripe(localstripe: LocalStripe, settings: Any) -> LocalStripe:
    """Empty, and the site's provider."""
    localstripe.clear()
    settings.STRIPE = replace(
        settings.STRIPE,
        secret_key="sk_test_12345",
        publishable_key="pk_test_12345",
        webhook_secret=SECRET,
        api_url=localstripe.url,
        js_url=f"{localstripe.url}/js.stripe.com/v3/",
    )
    return localstripe


@pytest.fixture
def provider(stripe: LocalStripe) -> Provider:
    found = card_provider()
    assert found is not None
    return found


def add_card(stripe: LocalStripe, provider: Provider, account: Account, number: str = GOOD) -> Card:
    setup = begin_card(provider, account)
    stripe.confirm_setup(setup.reference, setup.client_secret, number)
    card = keep_card(setup_of(provider, account, setup.reference))
    assert card is not None
    return card
