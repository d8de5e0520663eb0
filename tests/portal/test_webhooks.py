"""The webhooks pages: who may do what, what is shown once, and what became of what was sent."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from accounts.models import Account, Role
from billing.webhooks.actions import add_endpoint, announce
from billing.webhooks.models import Delivery, Endpoint, EventType, Message, Secret
from tests.factories import make_account, make_member

PAGE = "/billing/settings/webhooks/"
URL = "http://127.0.0.1/hook"


@pytest.fixture(autouse=True)
def loopback_may_be_called() -> Iterator[None]:
    with override_settings(WEBHOOK_ALLOWED_HOSTS=["127.0.0.1"]):
        yield


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


def signed_in(account: Account, role: str = Role.DEVELOPER) -> Client:
    client = Client()
    client.force_login(make_member(account, role))
    return client


def page(client: Client, address: str = PAGE, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content
    return response.content.decode()


def sent(endpoint: Endpoint, **fields: object) -> Delivery:
    assert endpoint.account is not None
    message = announce(endpoint.account, EventType.INVOICE_ISSUED, {"number": "<b>F-1</b>"})
    return Delivery.objects.create(
        message=Message.objects.get(pk=message),
        endpoint=endpoint,
        account=endpoint.account,
        give_up_at=timezone.now() + timedelta(days=3),
        **fields,
    )


def test_adding_one_shows_its_secret_once(account: Account) -> None:
    client = signed_in(account)
    form = {"url": URL, "description": "Billing <i>", "types": ["limit.stopped", "invoice.paid"]}
    response = client.post(PAGE, form)
    assert response.status_code == 201
    assert "whsec_" in response.content.decode()
    endpoint = Endpoint.objects.get()
    assert endpoint.types == ["limit.stopped", "invoice.paid"]
    assert endpoint.created_by is not None
    for address in (PAGE, f"{PAGE}{endpoint.pk}/"):
        text = page(client, address)
        assert "whsec_" not in text
        assert URL in text
        assert "Billing &lt;i&gt;" in text


def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(account: Account) -> None:
    client = signed_in(account)
    response = client.post(PAGE, {"url": "https://10.0.0.1/x", "types": ["limit.stopped"]})
    text = response.content.decode()
    assert response.status_code == 422
    assert "<title>Error:" in text
    assert '<a href="#f-url">The host is not on the public internet' in text
    assert 'value="https://10.0.0.1/x"' in text
    assert text.count("checked") == 1
    text = client.post(PAGE, {"url": URL}).content.decode()
    assert '<a href="#f-types">Choose at least one' in text
    assert not Endpoint.objects.exists()


def test_buttons(account: Account) -> None:
    client = signed_in(account)
    endpoint, _ = add_endpoint(account, URL)
    place = f"{PAGE}{endpoint.pk}/"

    def press(act: str) -> str:
        return client.post(f"{place}act/", {"act": act}, follow=True).content.decode()

    assert "A test is on its way." in press("test")
    assert "A test is on its way already" in press("test")
    assert Delivery.objects.count() == 1
    assert "whsec_" in press("secret")
    assert Secret.objects.count() == 2
    assert "Switched off" in press("off")
    assert Endpoint.objects.get().off == "by_hand"
    assert "Switched on" in press("on")
    assert client.post(f"{place}act/", {"act": "explode"}).status_code == 404
    assert "The webhook is removed." in press("remove")
    assert not Endpoint.objects.exists()
    assert page(client, place, 404)


def test_what_was_sent_and_sending_it_again(account: Account) -> None:
    client = signed_in(account)
    endpoint, _ = add_endpoint(account, URL)
    failed = sent(endpoint, error="status", response_status=503, attempts=9)
    text = page(client, f"{PAGE}{endpoint.pk}/")
    assert "The answer was not a success (503)" in text
    assert "given up" in text
    assert "&lt;b&gt;F-1&lt;/b&gt;" in text
    again = f"{PAGE}{endpoint.pk}/again/"
    assert "sent again now" in client.post(again, {"delivery": failed.pk}, follow=True).content.decode()
    failed.refresh_from_db()
    assert failed.state == "waiting"
    for nonsense in ("", "x", str(endpoint.pk)):
        assert client.post(again, {"delivery": nonsense}).status_code == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.BILLING])
def test_others_may_look(account: Account, role: str) -> None:
    endpoint, _ = add_endpoint(account, URL)
    failed = sent(endpoint)
    client, place = signed_in(account, role), f"{PAGE}{endpoint.pk}/"
    for address in (PAGE, place):
        assert "<form" not in page(client, address).partition("<main")[2].partition("</main>")[0]
    for address, data in [
        (PAGE, {"url": URL, "types": ["limit.stopped"]}),
        (f"{place}act/", {"act": "remove"}),
        (f"{place}again/", {"delivery": failed.pk}),
    ]:
        assert client.post(address, data).status_code == 403
    assert Endpoint.objects.count() == 1


def test_anothers_are_not_there(account: Account) -> None:
    theirs, _ = add_endpoint(make_account("other"), URL)
    general, _ = add_endpoint(None, URL)
    client = signed_in(account)
    assert URL not in page(client)
    for endpoint in (theirs, general):
        page(client, f"{PAGE}{endpoint.pk}/", 404)
        assert client.post(f"{PAGE}{endpoint.pk}/act/", {"act": "remove"}).status_code == 404
    assert Endpoint.objects.count() == 2


def test_in_french(db: None) -> None:
    account = make_account(locale="fr")
    endpoint, _ = add_endpoint(account, URL)
    sent(endpoint, error="timeout", attempts=1, next_try_at=timezone.now())
    text = page(signed_in(account), f"{PAGE}{endpoint.pk}/")
    assert "Pas de réponse complète en 10 secondes" in text
    assert "Une facture ou un avoir est émis" in text
    assert json.loads(bytes(Message.objects.get().payload))["type"] == "invoice.issued"
