"""Cards and payments by card in the portal, and what the provider tells us by itself."""

import json
import time
from typing import Any

import pytest
import stripe as library
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from billing.invoices.models import Invoice
from billing.invoices.queries import status
from billing.payments.cards import begin_card
from billing.payments.models import Attempt, Card, Payer
from billing.payments.paying import pay
from billing.payments.providers.base import Provider
from tests.factories import make_member
from tests.payments.conftest import add_card
from tests.payments.stripe_site import ASKS, DECLINED, GOOD, SECRET, LocalStripe
from tests.portal.world import World, build, sign_in

pytestmark = pytest.mark.usefixtures("stripe")
NEWS = "/webhooks/stripe/"


@pytest.fixture
def world(db: None) -> World:
    return build()


@pytest.fixture
def owner(world: World) -> Client:
    return sign_in(world.owner)


@pytest.fixture
def card(stripe: LocalStripe, provider: Provider, world: World) -> Card:
    return add_card(stripe, provider, world.account)


def told(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def pay_url(invoice: Invoice) -> str:
    return reverse("portal:invoice_pay", args=[invoice.number])


class TestCards:
    def test_one_is_added(self, owner: Client, stripe: LocalStripe, world: World) -> None:
        begun = owner.post(reverse("portal:card_begin"))
        page = owner.get(begun.headers["Location"])
        reference = begun.headers["Location"].rstrip("/").rpartition("/")[2]
        policy = page.headers["Content-Security-Policy"]
        assert f"script-src 'self' {stripe.url};" in policy
        assert "unsafe" not in policy
        stripe.confirm_setup(reference, page.text.partition('data-secret="')[2].partition('"')[0], GOOD)
        done = owner.post(reverse("portal:card_added", args=[reference]))
        assert told(done) == "Visa •••• 4242 is added."
        again = owner.post(reverse("portal:card_added", args=[reference]))
        assert again.status_code == 302
        shown = owner.get(reverse("portal:payment")).text
        assert "Visa •••• 4242" in shown
        assert "12/2031" in shown
        assert Card.objects.count() == 1

    def test_no_other_page_lets_a_strangers_script_in(self, owner: Client, stripe: LocalStripe) -> None:
        for name in ("overview", "payment", "invoices"):
            assert stripe.url not in owner.get(reverse(f"portal:{name}")).headers["Content-Security-Policy"]

    def test_one_that_was_not_typed_is_not_added(self, owner: Client) -> None:
        reference = (
            owner.post(reverse("portal:card_begin")).headers["Location"].rstrip("/").rpartition("/")[2]
        )
        assert told(owner.post(reverse("portal:card_added", args=[reference]))).startswith(
            "The card was not added."
        )
        assert not Card.objects.exists()

    @pytest.mark.parametrize("reference", ["seti_unknown", "x' OR 1", "..", "%00"])
    def test_a_setup_that_is_not_known(self, owner: Client, card: Card, reference: str) -> None:
        assert owner.get(reverse("portal:card_add", args=[reference])).status_code == 404

    def test_a_setup_of_somebody_else(self, world: World, provider: Provider, card: Card) -> None:
        setup = begin_card(provider, world.account)
        outsider = sign_in(world.outsider)
        begin_card(provider, world.outsider.memberships.get().account)
        assert outsider.get(reverse("portal:card_add", args=[setup.reference])).status_code == 404
        assert outsider.post(reverse("portal:card_added", args=[setup.reference])).status_code == 404

    def test_they_are_changed(
        self, owner: Client, provider: Provider, stripe: LocalStripe, world: World, card: Card
    ) -> None:
        other = add_card(stripe, provider, world.account, DECLINED)
        act = reverse("portal:payment_act")
        assert told(owner.post(act, {"act": "default", "card": other.pk})) == "This card is your default now."
        owner.post(act, {"act": "automatic"})
        assert "taken from your default card when it is issued" in owner.get(reverse("portal:payment")).text
        assert Payer.objects.get().automatic_since
        owner.post(act, {"act": "remove", "card": other.pk})
        owner.post(act, {"act": "by_hand"})
        assert list(Card.objects.filter(removed_at=None).values_list("last4", "is_default")) == [
            ("4242", True)
        ]
        assert Payer.objects.get().automatic_since is None

    @pytest.mark.parametrize("what", [{"act": "fly"}, {"act": "default"}, {"act": "remove", "card": "1"}, {}])
    def test_what_no_button_says(self, owner: Client, what: dict[str, str]) -> None:
        assert owner.post(reverse("portal:payment_act"), what).status_code == 404

    def test_automatic_without_a_card(self, owner: Client) -> None:
        answer = owner.post(reverse("portal:payment_act"), {"act": "automatic"})
        assert told(answer) == "Add a card first: there is none to charge."

    def test_the_card_of_another_account(self, world: World, card: Card) -> None:
        outsider = sign_in(world.outsider)
        for wanted in ("default", "remove"):
            answer = outsider.post(reverse("portal:payment_act"), {"act": wanted, "card": card.pk})
            assert answer.status_code == 404


class TestRights:
    def test_who_may_not_pay_sees_but_changes_nothing(
        self, world: World, provider: Provider, card: Card
    ) -> None:
        setup = begin_card(provider, world.account)
        for role in ("viewer", "developer"):
            client = sign_in(make_member(world.account, role, f"{role}@another.example"))
            assert client.get(reverse("portal:payment")).status_code == 200
            page = client.get(reverse("portal:invoice", args=[world.invoice.number])).text
            assert "Owners and billing members may add cards and pay." in page
            for method, url in (
                ("post", reverse("portal:card_begin")),
                ("get", reverse("portal:card_add", args=[setup.reference])),
                ("post", reverse("portal:card_added", args=[setup.reference])),
                ("post", reverse("portal:payment_act")),
                ("post", pay_url(world.invoice)),
                ("get", pay_url(world.invoice)),
                ("post", reverse("portal:invoice_paid", args=[world.invoice.number])),
            ):
                assert getattr(client, method)(url).status_code == 403, url
        assert not Attempt.objects.exists()

    def test_a_stranger_signs_in_first(self, world: World) -> None:
        for url in (reverse("portal:payment_act"), pay_url(world.invoice)):
            assert Client().post(url).headers["Location"].startswith("/accounts/login/")

    def test_without_a_provider_there_is_only_the_transfer(
        self, owner: Client, world: World, settings: Any
    ) -> None:
        settings.STRIPE = settings.STRIPE.__class__("", "", "", "", "")
        assert "You pay by bank transfer; each invoice says how." in owner.get(reverse("portal:payment")).text
        assert "by card" not in owner.get(reverse("portal:invoice", args=[world.invoice.number])).text
        assert owner.post(pay_url(world.invoice)).status_code == 404
        assert Client().post(NEWS, b"{}", content_type="application/json").status_code == 404


class TestPaying:
    def test_it_is_paid(self, owner: Client, world: World, card: Card) -> None:
        invoice, url = world.invoice, reverse("portal:invoice", args=[world.invoice.number])
        assert "with Visa •••• 4242</button>" in owner.get(url).text
        answer = owner.post(pay_url(invoice))
        assert told(answer) == f"€{invoice.amount_due:,.2f} is paid with Visa •••• 4242. Thank you."
        assert status(invoice) == "paid"
        assert Attempt.objects.get().by == world.owner
        assert "Payment by card" not in owner.get(url).text
        assert "there is nothing left to take" in told(owner.post(pay_url(invoice)))

    def test_a_declined_card_says_why(
        self, owner: Client, world: World, stripe: LocalStripe, provider: Provider
    ) -> None:
        add_card(stripe, provider, world.account, DECLINED)
        assert told(owner.post(pay_url(world.invoice))).endswith("Your card was declined.")
        page = owner.get(reverse("portal:invoice", args=[world.invoice.number])).text
        assert "Visa •••• 0341 was declined on" in page

    def test_the_chosen_card_is_charged(
        self, owner: Client, world: World, stripe: LocalStripe, provider: Provider, card: Card
    ) -> None:
        other = add_card(stripe, provider, world.account, DECLINED)
        assert "•••• 0341" in told(owner.post(pay_url(world.invoice), {"card": other.pk}))
        assert owner.post(pay_url(world.invoice), {"card": "none"}).status_code == 404

    def test_a_bank_that_asks(
        self, owner: Client, world: World, stripe: LocalStripe, provider: Provider
    ) -> None:
        invoice = world.invoice
        add_card(stripe, provider, world.account, ASKS)
        answer = owner.post(pay_url(invoice))
        assert answer.headers["Location"] == pay_url(invoice)
        page = owner.get(pay_url(invoice)).text
        assert "Your bank asks you to confirm" in page
        assert pay_url(invoice) in owner.get(reverse("portal:invoice", args=[invoice.number])).text
        attempt = Attempt.objects.get()
        secret = page.partition('data-secret="')[2].partition('"')[0]
        stripe.answer_bank(attempt.reference, secret, confirm=True)
        assert "is paid with" in told(owner.post(reverse("portal:invoice_paid", args=[invoice.number])))
        assert status(invoice) == "paid"
        assert owner.get(pay_url(invoice)).headers["Location"].endswith(f"/{invoice.number}/")

    def test_a_provider_that_cannot_be_reached(
        self, owner: Client, world: World, card: Card, settings: Any
    ) -> None:
        settings.STRIPE = settings.STRIPE.__class__(
            "sk_test_12345", "pk", "s", "http://127.0.0.1:9", "http://x/"
        )
        assert "cannot be reached" in told(owner.post(reverse("portal:card_begin")))
        assert "is on its way" in told(owner.post(pay_url(world.invoice)))
        assert "is on its way" in owner.get(reverse("portal:invoice", args=[world.invoice.number])).text

    def test_without_a_card(self, owner: Client, world: World) -> None:
        assert told(owner.post(pay_url(world.invoice))) == "Add a card first: there is none to charge."


def send(kind: str, reference: str, secret: str = SECRET, age: int = 0) -> HttpResponse:
    """A message as Stripe signs it."""
    event = {"id": "evt_1", "object": "event", "type": kind, "data": {"object": {"id": reference}}}
    body = json.dumps(event)
    header = library.WebhookSignature.generate_signature_header(body, secret, int(time.time()) - age)
    return Client().post(NEWS, body, content_type="application/json", headers={"Stripe-Signature": header})


def test_staff_see_cards_and_what_became_of_each_try(
    world: World, stripe: LocalStripe, provider: Provider
) -> None:
    attempt = pay(provider, world.invoice, add_card(stripe, provider, world.account, DECLINED))
    clerk = make_member(world.account, email="staff@support.example")
    clerk.is_staff = clerk.is_superuser = True
    clerk.save()
    staff = sign_in(clerk)
    listed = staff.get(reverse("admin:payments_attempt_changelist")).text
    assert f"{world.invoice.amount_due:.2f} EUR" in listed
    assert "card_declined" in listed
    assert staff.get(reverse("admin:payments_attempt_change", args=[attempt.pk])).status_code == 200
    assert "Visa •••• 0341" in staff.get(reverse("admin:payments_card_changelist")).text
    assert "Atelier Brume" in staff.get(reverse("admin:payments_payer_changelist"), {"q": "brume"}).text


class TestNews:
    def test_a_payment_that_was_confirmed_elsewhere(
        self, world: World, stripe: LocalStripe, provider: Provider
    ) -> None:
        attempt = pay(provider, world.invoice, add_card(stripe, provider, world.account, ASKS))
        assert send("payment_intent.created", attempt.reference).status_code == 204
        assert status(world.invoice) == "issued"
        secret = provider.outcome(attempt.reference).client_secret
        stripe.answer_bank(attempt.reference, secret, confirm=True)
        for _ in range(2):
            assert send("payment_intent.succeeded", attempt.reference).status_code == 204
        assert status(world.invoice) == "paid"
        assert world.invoice.payments.count() == 1

    def test_its_words_alone_pay_nothing(self, world: World, stripe: LocalStripe, provider: Provider) -> None:
        attempt = pay(provider, world.invoice, add_card(stripe, provider, world.account, ASKS))
        assert send("payment_intent.succeeded", attempt.reference).status_code == 204
        assert status(world.invoice) == "issued", "the payment itself was asked, and waits"

    def test_a_card_whose_browser_never_came_back(
        self, world: World, stripe: LocalStripe, provider: Provider
    ) -> None:
        setup = begin_card(provider, world.account)
        stripe.confirm_setup(setup.reference, setup.client_secret, GOOD)
        assert send("setup_intent.succeeded", setup.reference).status_code == 204
        assert Card.objects.get().account == world.account

    def test_a_card_that_is_gone(self, card: Card) -> None:
        assert send("payment_method.detached", card.reference).status_code == 204
        card.refresh_from_db()
        assert card.removed_at

    def test_what_is_not_ours(self, world: World, stripe: LocalStripe) -> None:
        made = stripe.post(
            "/v1/payment_intents", {"amount": 500, "currency": "eur", "metadata": {"order": "x"}}
        )
        assert send("payment_intent.created", made["id"]).status_code == 204
        assert send("invoice.paid", "in_1").status_code == 204
        assert send("payment_method.detached", "pm_unknown").status_code == 204
        assert send("setup_intent.succeeded", "seti_unknown").status_code == 204
        assert send("payment_intent.succeeded", "pi_unknown").status_code == 503

    @pytest.mark.parametrize(
        ("secret", "age"),
        [("whsec_another", 0), (SECRET, 301), (SECRET, 86400)],
        ids=["forged", "old", "older"],
    )
    def test_who_did_not_sign(self, card: Card, secret: str, age: int) -> None:
        assert send("payment_method.detached", card.reference, secret, age).status_code == 400
        card.refresh_from_db()
        assert card.removed_at is None

    @pytest.mark.parametrize("body", [b"", b"[]", b"\xff\xfe", b'{"type": 1, "data": null}'])
    def test_what_is_no_message(self, body: bytes) -> None:
        text = body.decode(errors="replace")
        header = library.WebhookSignature.generate_signature_header(text, SECRET)
        for value in (header, "", "t=x,v1=y"):
            answer = Client().post(
                NEWS, body, content_type="application/json", headers={"Stripe-Signature": value}
            )
            assert answer.status_code == 400
        assert Client().get(NEWS).status_code == 405
