"""Passkeys: added after a fresh proof, named, removed; they sign in alone, and no malformed answer does harm."""

import json
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client, override_settings
from django.urls import reverse

from accounts.models import User
from portal import passkeys
from tests.factories import make_account, make_member
from tests.portal.device import SEEN, Device

PASSWORD = "nine blue lanterns"
LOGIN, LIST, ADD, SHOW, AGAIN, BESIDE = (
    reverse(name)
    for name in (
        "account_login",
        "mfa_list_webauthn",
        "mfa_add_webauthn",
        "mfa_login_webauthn",
        "mfa_reauthenticate_webauthn",
        "mfa_authenticate",
    )
)


@pytest.fixture
def owner(db: None) -> User:
    user = make_member(make_account("alice"))
    user.set_password(PASSWORD)
    user.save()
    return user


def entered(user: User) -> Client:
    client = Client(
        headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"}
    )
    client.post(LOGIN, {"login": user.email, "password": PASSWORD}, secure=True)
    return client


def proved(user: User) -> Client:
    """Entered, and asked once more, as for all that changes a factor."""
    client = entered(user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD}, secure=True)
    return client


def shown(device: Device) -> Client:
    """Signed in by the passkey, and asked for it once more."""
    client = Client()
    client.post(SHOW, {"credential": device.show(asked(client))}, secure=True)
    client.post(AGAIN, {"credential": device.show(options(client, AGAIN))}, secure=True)
    return client


def options(client: Client, path: str) -> dict[str, Any]:
    """What a page hands to the device."""
    text = client.get(path, secure=True).content.decode()
    found = re.search(r'<script id="passkey-options" type="application/json">(.*?)</script>', text)
    assert found is not None, text
    (inner,) = json.loads(found[1]).values()
    return inner["publicKey"]


def added(user: User, device: Device | None = None, name: str = "Phone") -> Device:
    device, client = device or Device(), proved(user)
    answer = client.post(ADD, {"name": name, "credential": device.make(options(client, ADD))}, secure=True)
    assert answer.status_code == 302, answer.content.decode()
    return device


def asked(client: Client) -> dict[str, Any]:
    return client.get(SHOW, headers={"accept": "application/json"}, secure=True).json()["request_options"][
        "publicKey"
    ]


def signed_in(client: Client) -> bool:
    return client.get(reverse("portal:overview"), secure=True).status_code == 200


def test_one_is_added_and_signs_in_alone(owner: User) -> None:
    client = proved(owner)
    page = client.get(ADD, secure=True).content.decode()
    assert 'value="Firefox on Linux"' in page
    device = added(owner)
    stranger = Client()
    answer = stranger.post(SHOW, {"credential": device.show(asked(stranger))}, secure=True)
    assert (answer.status_code, answer["Location"]) == (302, reverse("portal:overview"))
    assert signed_in(stranger)
    assert "Last used" in stranger.get(LIST, secure=True).content.decode()


def test_the_first_one_brings_recovery_codes_and_the_password_alone_no_longer_signs_in(owner: User) -> None:
    device = added(owner)
    kinds = set(Authenticator.objects.filter(user=owner).values_list("type", flat=True))
    assert kinds == {"webauthn", "recovery_codes"}
    client = entered(owner)
    assert not signed_in(client)
    assert (
        client.post(BESIDE, {"credential": device.show(options(client, BESIDE))}, secure=True).status_code
        == 302
    )
    assert signed_in(client)


def test_it_proves_who_it_is_before_a_sensitive_act(owner: User) -> None:
    device, client = added(owner), Client()
    client.post(SHOW, {"credential": device.show(asked(client))}, secure=True)
    assert client.get(ADD, secure=True)["Location"].startswith("/accounts/")
    asked_again = options(client, f"{AGAIN}?next={ADD}")
    answer = client.post(AGAIN, {"credential": device.show(asked_again), "next": ADD}, secure=True)
    assert (answer.status_code, answer["Location"]) == (302, ADD)
    assert client.get(ADD, secure=True).status_code == 200


def test_a_name_is_changed_and_the_passkey_removed(owner: User) -> None:
    device = added(owner)
    client = shown(device)
    one = Authenticator.objects.get(user=owner, type="webauthn")
    edit, remove = (reverse(f"mfa_{act}_webauthn", args=[one.pk]) for act in ("edit", "remove"))
    for wrong in ("", "x" * 61, "a\x00b"):
        assert 'role="alert"' in client.post(edit, {"name": wrong}, secure=True).content.decode(), wrong
    assert client.post(edit, {"name": "<b>Work</b>"}, secure=True).status_code == 302
    assert "&lt;b&gt;Work&lt;/b&gt;" in client.get(LIST, secure=True).content.decode()
    stranger = entered(make_member(make_account("other"), email="other@example.com"))
    assert {stranger.get(path, secure=True).status_code for path in (edit, remove)} <= {302, 404}
    assert "Work" in client.get(remove, secure=True).content.decode()
    assert client.post(remove, secure=True)["Location"] == LIST
    assert not Authenticator.objects.filter(user=owner).exists(), "its recovery codes go with the last factor"
    late = Client()
    assert late.post(SHOW, {"credential": device.show(asked(late))}, secure=True)["Location"] == LOGIN
    assert not signed_in(late)


def test_another_site_or_device_or_challenge_opens_nothing(owner: User) -> None:
    device = added(owner)
    false, unverified, copied = Device("https://testserver.example"), Device(flags=SEEN), Device()
    for one in (false, unverified):
        one.key, one.handle = device.key, device.handle
    copied.handle = device.handle
    for one in (false, unverified, copied):
        client = Client()
        assert client.post(SHOW, {"credential": one.show(asked(client))}, secure=True)["Location"] == LOGIN
        assert not signed_in(client)
    client, other = Client(), Client()
    answer = device.show(asked(client))
    asked(other)
    for once in (other, Client()):
        assert once.post(SHOW, {"credential": answer}, secure=True)["Location"] == LOGIN
        assert not signed_in(once)
    assert client.post(SHOW, {"credential": answer}, secure=True)["Location"] == reverse("portal:overview")
    client.post(reverse("account_logout"), secure=True)
    client.post(SHOW, {"credential": answer}, secure=True)
    assert not signed_in(client), "an answer is good once"


def damaged(text: str) -> list[str]:
    """Things that are no answer, and the answer with each of the values that prove something replaced by others."""
    whole = json.loads(text)
    places: list[tuple[dict[str, Any], str]] = [
        (whole, "response"),
        *((whole["response"], name) for name in whole["response"]),
    ]
    found = ["", "{", "[]", "1", "null", '"x"', "{}", '{"id": 1}', "[" * 5000, "9" * 5000]
    for holder, name in places:
        kept = holder[name]
        for other in (None, 1, [], {}, "", "%%%", "AAAA", "A" * 100, "\x00", "é", True, [kept]):
            holder[name] = other
            found.append(json.dumps(whole))
        holder[name] = kept
    return found


def oddly_wrapped(text: str) -> list[str]:
    """The answer with odd values beside what proves something."""
    whole = json.loads(text)
    odd = (None, 1, [], {}, "", "%%%", "\x00", True)
    return [json.dumps(whole | {name: other}) for name in whole if name != "response" for other in odd]


@override_settings(MFA_RATE_LIMITS=False)
def test_malformed_answers_are_refused_with_a_sentence(owner: User) -> None:
    device = added(owner)
    client = Client()
    for text in damaged(device.show(asked(client))):
        answer = client.post(SHOW, {"credential": text}, secure=True)
        assert (answer.status_code, answer["Location"]) == (302, LOGIN), text[:200]
    assert not signed_in(client)
    for text in oddly_wrapped(device.show(asked(client))):
        assert client.post(SHOW, {"credential": text}, secure=True).status_code == 302, text[:200]
    client = shown(device)
    before = Authenticator.objects.count()
    for text in damaged(Device().make(options(client, ADD))):
        answer = client.post(ADD, {"name": "x", "credential": text}, secure=True)
        assert answer.status_code == 200, text[:200]
        assert 'role="alert"' in answer.content.decode()
    assert Authenticator.objects.count() == before
    for text in oddly_wrapped(Device().make(options(client, ADD))):
        assert client.post(ADD, {"name": "x", "credential": text}, secure=True).status_code in (200, 302)
        assert client.get(LIST, secure=True).status_code == 200, text[:200]
        assert client.get(ADD, secure=True).status_code == 200, text[:200]


def test_who_tries_too_often_waits(owner: User) -> None:
    client = Client()
    for _ in range(10):
        assert client.post(SHOW, {"credential": "x"}, secure=True).status_code == 302
    answer = client.post(SHOW, {"credential": "x"}, secure=True)
    assert answer.status_code == 429
    assert "<h1>Too many tries</h1>" in answer.content.decode()


def test_there_is_a_most(owner: User) -> None:
    client = shown(added(owner))
    one = Authenticator.objects.get(user=owner, type="webauthn")
    Authenticator.objects.bulk_create(
        Authenticator(user=owner, type="webauthn", data=one.data) for _ in range(passkeys.MOST - 1)
    )
    answer = client.post(ADD, {"name": "x", "credential": Device().make(options(client, ADD))}, secure=True)
    assert "remove one first" in answer.content.decode()


def test_staff_may_take_one_for_their_second_factor(db: None) -> None:
    staff = User.objects.create_superuser("staff@example.com", PASSWORD)
    with override_settings(PRODUCTION=True):
        device, client = added(staff), Client()
        client.post(SHOW, {"credential": device.show(asked(client))}, secure=True)
        assert client.get(reverse("admin:index"), secure=True).status_code == 200
