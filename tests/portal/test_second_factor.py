"""Staff and their second factor: in production the admin opens with one only; who has none is led to set it up."""

import base64
import hmac
import re
import struct
import time
from collections.abc import Iterator
from hashlib import sha1

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import admin
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from tests.factories import make_account, make_member
from tests.portal.world import sign_in

PASSWORD = "nine blue lanterns"
SETUP, CODES, AGAIN = (
    reverse(f"mfa_{name}") for name in ("activate_totp", "view_recovery_codes", "authenticate")
)
LOGIN = reverse("account_login")


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_superuser("staff@example.com", PASSWORD)


@pytest.fixture
def production() -> Iterator[None]:
    with override_settings(PRODUCTION=True):
        yield


def digits(secret: str, at: float) -> str:
    """The code of an authenticator app (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    hashed = hmac.digest(key, struct.pack(">Q", int(at) // 30), sha1)
    place = hashed[-1] & 15
    return f"{(struct.unpack('>I', hashed[place : place + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def entered(user: User) -> Client:
    """After mail address and password."""
    client = Client()
    client.post(LOGIN, {"login": user.email, "password": PASSWORD})
    return client


def setup_page(client: Client) -> str:
    """The set-up's page, after the password was asked for again."""
    asked = client.get(SETUP)
    assert asked.status_code == 302
    assert asked.url.startswith(reverse("account_reauthenticate"))  # type: ignore[attr-defined]
    page = client.post(asked.url, {"password": PASSWORD}, follow=True)  # type: ignore[attr-defined]
    assert page.request["PATH_INFO"] == SETUP
    return page.content.decode()


def set_up(client: Client, page: str = "") -> list[str]:
    """Set a factor up as the page says; its recovery codes."""
    found = re.search(r"<code>([A-Z2-7]+)</code>", page or setup_page(client))
    assert found is not None
    now = time.time()
    with time_machine.travel(now, tick=False):
        done = client.post(SETUP, {"code": digits(found[1], now)})
    assert done.status_code == 302
    assert done["Location"] == CODES
    return re.findall(r"<li><code>(\d+)</code>", client.get(CODES).content.decode())


def admin_pages() -> list[str]:
    lists = [
        reverse(f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist") for m in admin.site._registry
    ]
    return [reverse("admin:index"), "/admin/no/such/page/", reverse("admin:jsi18n"), *lists]


def test_no_page_of_the_admin_opens_without_one(staff: User, production: None) -> None:
    client = entered(staff)
    for page in admin_pages():
        for answer in (client.get(page), client.post(page)):
            assert (answer.status_code, answer["Location"]) == (302, SETUP), page


def test_elsewhere_than_in_production_none_is_needed(staff: User) -> None:
    client = entered(staff)
    assert client.get(reverse("admin:index")).status_code == 200
    assert "The admin opens" not in setup_page(client)


def test_staff_set_it_up_and_the_admin_opens(staff: User, production: None) -> None:
    client = entered(staff)
    text = setup_page(client)
    assert "The admin opens once yours is set up." in text
    assert 'class="qr" src="data:image/svg+xml;base64,' in text
    wrong = client.post(SETUP, {"code": "000000"})
    assert wrong.status_code == 200
    assert 'role="alert"' in wrong.content.decode()
    assert client.get(reverse("admin:index"))["Location"] == SETUP
    assert len(set_up(entered(staff))) == 10
    assert client.get(reverse("admin:index")).status_code == 200


def test_the_next_sign_in_asks_for_a_code(staff: User, production: None) -> None:
    code = set_up(entered(staff))[0]
    client = Client()
    answer = client.post(LOGIN, {"login": staff.email, "password": PASSWORD})
    assert answer["Location"] == AGAIN
    assert client.get(reverse("admin:index"))["Location"].startswith(reverse("admin:login")), (
        "the password alone signs nobody in"
    )
    assert client.post(AGAIN, {"code": "000000"}).status_code == 200
    assert client.post(AGAIN, {"code": code}).status_code == 302
    assert client.get(reverse("admin:index")).status_code == 200
    again = entered(staff)
    assert again.post(AGAIN, {"code": code}).status_code == 200, "a recovery code works once"
    assert again.get(reverse("admin:index"))["Location"].startswith(reverse("admin:login"))


def test_secrets_are_sealed_and_a_changed_key_fits_none(staff: User, production: None) -> None:
    client = entered(staff)
    page = setup_page(client)
    code = set_up(client, page)[0]
    found = re.search(r"<code>([A-Z2-7]+)</code>", page)
    assert found is not None
    assert not [one for one in Authenticator.objects.filter(user=staff) if found[1] in str(one.data)]
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[]):
        later = entered(staff)
        for wrong in (code, digits(found[1], time.time() + 60)):
            assert later.post(AGAIN, {"code": wrong}).status_code == 200
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        later = entered(staff)
        assert later.post(AGAIN, {"code": code}).status_code == 302


def test_recovery_codes_alone_are_no_factor(staff: User, production: None) -> None:
    client = entered(staff)
    set_up(client)
    assert client.get(reverse("admin:index")).status_code == 200
    Authenticator.objects.filter(user=staff, type=Authenticator.Type.TOTP).delete()
    assert client.get(reverse("admin:index"))["Location"] == SETUP


def test_staff_without_one_can_sign_out(staff: User, production: None) -> None:
    client = entered(staff)
    client.post(reverse("admin:logout"))
    assert client.get(reverse("admin:index"))["Location"].startswith(reverse("admin:login"))


def test_customers_need_none_and_may_have_one(db: None, production: None) -> None:
    owner = make_member(make_account("alice"))
    owner.set_password(PASSWORD)
    owner.save()
    client = entered(owner)
    assert f'href="{reverse("mfa_index")}"' in client.get(reverse("portal:settings")).content.decode()
    assert f'href="{SETUP}"' in client.get(reverse("mfa_index")).content.decode()
    assert len(set_up(client)) == 10
    answer = Client().post(LOGIN, {"login": owner.email, "password": PASSWORD})
    assert answer["Location"] == AGAIN
    assert sign_in(owner).get(reverse("admin:index"))["Location"] != SETUP


@pytest.fixture
def own_language() -> Iterator[None]:
    """What a page sets stays with the page."""
    with translation.override(translation.get_language()):
        yield


def test_its_pages_speak_french(staff: User, production: None, own_language: None) -> None:
    client = entered(staff)
    client.cookies["django_language"] = "fr"
    page = setup_page(client)
    assert '<html lang="fr">' in page
    assert "L’administration s’ouvre dès que le vôtre est configuré." in page
    set_up(client, page)
    for name, text in (
        ("mfa_index", "La connexion demande votre mot de passe et un code"),
        ("mfa_view_recovery_codes", "chaque code vous connecte une fois"),
        ("mfa_generate_recovery_codes", "ne fonctionnent alors plus"),
        ("mfa_deactivate_totp", "Désactiver le second facteur"),
    ):
        assert text in client.get(reverse(name), follow=True).content.decode(), name


@pytest.mark.parametrize(
    ("passkeys", "before", "after"),
    [
        (0, "asks for your password alone", "your recovery codes with it. You have no passkey"),
        (1, "then asks for your passkey", "You still have a passkey, and your recovery codes."),
        (2, "then asks for your passkey", "You still have 2 passkeys, and your recovery codes."),
    ],
)
def test_what_is_left_without_the_app_is_said(staff: User, passkeys: int, before: str, after: str) -> None:
    client = entered(staff)
    set_up(client)
    kept = {"name": "Phone", "credential": {}}
    Authenticator.objects.bulk_create(
        Authenticator(user=staff, type=Authenticator.Type.WEBAUTHN, data=kept) for _ in range(passkeys)
    )
    off = reverse("mfa_deactivate_totp")
    assert before in client.get(off).content.decode()
    page = client.post(off, follow=True).content.decode()
    assert after in page
    assert ("10 recovery codes are unused." in page) == bool(passkeys)
