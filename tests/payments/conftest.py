"""A Stripe of our own: localstripe as a process, and what a customer's browser does with it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from accounts.models import Account
from billing.payments.cards import begin_card, keep_card, setup_of
from billing.payments.models import Card
from billing.payments.providers import card_provider
from billing.payments.providers.base import Provider
from tests.patience import PATIENCE
from tests.server.running import ROOT, free_port

# Numbers that localstripe knows, as Stripe does (docs.stripe.com/testing).
GOOD, DECLINED, ASKS = "4242424242424242", "4000000000000341", "4000000000003220"
SECRET = "whsec_of_these_tests"


@dataclass(frozen=True)
class LocalStripe:
    """What the browser and Stripe's own site do."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "STRIPE_SECRET_KEY": "sk_test_12345",
            "STRIPE_PUBLISHABLE_KEY": "pk_test_12345",
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_API_URL": self.url,
            "STRIPE_JS_URL": f"{self.url}/js.stripe.com/v3/",
        }

    def confirm_setup(self, reference: str, client_secret: str, number: str) -> None:
        """A card's number is typed, and the bank's question answered."""
        card = {"number": number, "exp_month": "12", "exp_year": "2031", "cvc": "123"}
        data = {"type": "card", "card": card, "billing_details": {"address": {"postal_code": "75011"}}}
        known = {"key": "pk_test_12345", "client_secret": client_secret}
        path = f"/v1/setup_intents/{reference}/confirm"
        if self.post(path, {**known, "payment_method_data": data})["status"] == "requires_action":
            self.post(path, known)

    def answer_bank(self, reference: str, client_secret: str, confirm: bool) -> None:
        path = f"/v1/payment_intents/{reference}/_authenticate?success={'true' if confirm else 'false'}"
        self.post(path, {"key": "pk_test_12345", "client_secret": client_secret})

    def payments(self) -> list[dict[str, Any]]:
        return self._list("payment_intents")

    def refunds(self) -> list[dict[str, Any]]:
        return self._list("refunds")

    def _list(self, what: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._client().get(f"/v1/{what}?limit=100").json()["data"]
        return found

    def post(self, path: str, body: object) -> dict[str, Any]:
        answer = self._client().post(path, json=body).raise_for_status()
        return dict(answer.json()) if answer.content else {}

    def _client(self) -> httpx.Client:
        headers = {"Authorization": "Bearer sk_test_12345"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE, trust_env=False)

    def clear(self) -> None:
        self._client().delete("/_config/data").raise_for_status()


@pytest.fixture(scope="session")
def localstripe() -> Iterator[LocalStripe]:
    port = free_port()
    words = [sys.executable, "-m", "tests.payments.localstripe", str(port)]
    process = subprocess.Popen(words, cwd=ROOT)
    found = LocalStripe(f"http://127.0.0.1:{port}")
    try:
        _wait_for(found)
        yield found
    finally:
        process.terminate()
        process.wait()


def _wait_for(stripe: LocalStripe) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            stripe.clear()
        except httpx.TransportError:
            assert time.monotonic() < until, "localstripe did not start"
            time.sleep(0.1)
        else:
            return


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
