"""Mails about one's own sign-in: each change is told once, and a link for a new password leads nowhere but here."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from portal.sign_in import Change
from tests.factories import make_account, make_member
from tests.portal import test_passkeys, test_second_factor
from tests.portal.device import Device
from tests.portal.test_passkeys import PASSWORD, proved
from tests.portal.world import HOSTILE, sign_in

NEW = "seven green boats"
BOTH = {"password1": NEW, "password2": NEW}
RESET, CHANGE = reverse("account_reset_password"), reverse("account_change_password")
type Act = Callable[[], object]


@pytest.fixture
def anna(db: None) -> User:
    """Who reads French, and has a name that is no name."""
    user = make_member(make_account("atelier", locale="fr"))
    user.name = HOSTILE
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def told(anna: User, django_capture_on_commit_callbacks) -> Callable[[Act], EmailMultiAlternatives]:
    """The one mail that an act sends her."""

    def catch(act: Act) -> EmailMultiAlternatives:
        mail.outbox.clear()
        with django_capture_on_commit_callbacks(execute=True):
            act()
        (message,) = mail.outbox
        assert message.to == [anna.email]
        assert isinstance(message, EmailMultiAlternatives)
        return message

    return catch


def change_password(user: User) -> Act:
    client = proved(user)
    return lambda: client.post(CHANGE, {"oldpassword": PASSWORD, **BOTH}, secure=True)


def set_password(user: User) -> Act:
    user.set_unusable_password()
    user.save()
    client = sign_in(user)
    return lambda: client.post(reverse("account_set_password"), BOTH)


def reset_password(user: User) -> Act:
    client, path = Client(), link(user)
    return lambda: follow(client, path)


def add_app(user: User) -> Act:
    client = test_second_factor.entered(user)
    page = test_second_factor.setup_page(client)
    return lambda: test_second_factor.set_up(client, page)


def with_app(user: User) -> tuple[Client, list[str]]:
    client = test_second_factor.entered(user)
    return client, test_second_factor.set_up(client)


def remove_app(user: User) -> Act:
    client, _codes = with_app(user)
    return lambda: client.post(reverse("mfa_deactivate_totp"))


def make_codes(user: User) -> Act:
    client, _codes = with_app(user)
    return lambda: client.post(reverse("mfa_generate_recovery_codes"))


def use_code(user: User) -> Act:
    _client, codes = with_app(user)
    client = test_second_factor.entered(user)
    return lambda: client.post(reverse("mfa_authenticate"), {"code": codes[0]})


def add_passkey(user: User) -> Act:
    return lambda: test_passkeys.added(user)


def remove_passkey(user: User) -> Act:
    client = test_passkeys.shown(test_passkeys.added(user, Device()))
    one = Authenticator.objects.get(user=user, type=Authenticator.Type.WEBAUTHN)
    return lambda: client.post(reverse("mfa_remove_webauthn", args=[one.pk]), secure=True)


ACTS = {
    Change.PASSWORD_CHANGED: (change_password, "Votre mot de passe a été modifié"),
    Change.PASSWORD_SET: (set_password, "Votre mot de passe a été défini"),
    Change.PASSWORD_RESET: (reset_password, "par le lien que nous avons envoyé"),
    Change.APP_ADDED: (add_app, "Une application d’authentification a été ajoutée"),
    Change.APP_REMOVED: (remove_app, "Votre application d’authentification a été retirée"),
    Change.CODES_MADE: (make_codes, "De nouveaux codes de secours ont été créés"),
    Change.CODE_USED: (use_code, "Un code de secours a été utilisé"),
    Change.PASSKEY_ADDED: (add_passkey, "Une clé d’accès a été ajoutée"),
    Change.PASSKEY_REMOVED: (remove_passkey, "Une clé d’accès a été retirée"),
}


def link(user: User, **more: object) -> str:
    """The path of the link that a person is sent."""
    mail.outbox.clear()
    Client(**more).post(RESET, {"email": user.email})  # type: ignore[arg-type]
    (message,) = mail.outbox
    found = re.search(r"http://localhost:8000(/accounts/password/reset/key/\S+)", message.body)
    assert found is not None, message.body
    return found[1]


def follow(client: Client, path: str) -> str:
    """The page that a link leads to, after a new password is entered if it asks for one."""
    page = client.get(path, follow=True)
    if "password1" not in page.content.decode():
        return page.content.decode()
    return client.post(page.request["PATH_INFO"], BOTH, follow=True).content.decode()


def html_of(message: EmailMultiAlternatives) -> str:
    ((html, kind),) = message.alternatives
    assert kind == "text/html"
    return str(html)


def test_every_change_is_tried() -> None:
    by_support = {Change.FACTORS_TAKEN, Change.ADDRESS_CHANGED}
    assert set(ACTS) == set(Change) - by_support, "those are told by the admin"


@pytest.mark.parametrize("change", ACTS)
def test_each_change_is_told_once_in_ones_own_language(
    change: Change, anna: User, told: Callable[[Act], EmailMultiAlternatives]
) -> None:
    prepare, words = ACTS[change]
    message = told(prepare(anna))
    assert words in message.subject
    html = html_of(message)
    assert '<html lang="fr' in html
    for text in (message.body, html):
        assert "(Europe/Paris)" in text
        assert "Si ce n’était pas vous" in text
        assert "http://localhost:8000/accounts/password/reset/" in text
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert HOSTILE in message.body


def test_staff_read_english_and_utc(db: None) -> None:
    staff = User.objects.create_superuser("staff@example.com", PASSWORD)
    change_password(staff)()
    (message,) = mail.outbox
    assert message.subject == "Your password was changed"
    assert "(UTC), for the sign-in of staff@example.com" in message.body


def test_a_sellers_name_is_no_markup(anna: User, settings) -> None:
    settings.SELLER = replace(settings.SELLER, name="Ink & <i>Sons</i>")
    link(anna)
    (message,) = mail.outbox
    assert isinstance(message, EmailMultiAlternatives)
    assert message.subject.endswith("chez Ink & <i>Sons</i>")
    assert "<i>" not in html_of(message)


def test_the_link_says_how_long_it_is_good(anna: User) -> None:
    link(anna)
    (message,) = mail.outbox
    assert isinstance(message, EmailMultiAlternatives)
    assert message.to == [anna.email]
    for text in (message.body, html_of(message)):
        assert "Le lien est valable une fois, pendant 60 minutes." in text
        assert "(Europe/Paris)" in text
    assert "&lt;script&gt;" in html_of(message)


def test_the_link_is_good_once(anna: User) -> None:
    path, client = link(anna), Client()
    assert "Your password is set" in follow(client, path)
    anna.refresh_from_db()
    assert anna.check_password(NEW)
    for browser in (client, Client()):
        assert "This link no longer works" in follow(browser, path)


@pytest.mark.parametrize(("seconds", "words"), [(3590, "Your password is set"), (3610, "no longer works")])
def test_the_link_is_good_for_an_hour(anna: User, seconds: int, words: str) -> None:
    path = link(anna)
    with time_machine.travel(timezone.now() + timedelta(seconds=seconds)):
        assert words in follow(Client(), path)


def test_a_changed_address_ends_the_link(anna: User) -> None:
    path = link(anna)
    anna.email = "anna@elsewhere.example"
    anna.save()
    assert "no longer works" in follow(Client(), path)
    assert not EmailAddress.objects.exists(), "nobody gets a second address by the way"


def test_a_host_header_does_not_move_the_link(anna: User, settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    link(anna, headers={"host": "evil.example", "x-forwarded-host": "evil.example"})
    (message,) = mail.outbox
    assert "evil" not in str(message.message())


def test_who_asks_for_a_stranger_is_answered_alike(anna: User) -> None:
    asleep = make_member(make_account("other"))
    asleep.is_active = False
    asleep.save()
    answers = []
    for address in (anna.email, "nobody@example.com", asleep.email):
        answer = Client().post(RESET, {"email": address}, follow=True)
        text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
        answers.append((answer.redirect_chain, answer.status_code, text))
    assert answers[0] == answers[1] == answers[2]
    assert [message.to for message in mail.outbox] == [[anna.email]]


def test_a_mail_server_that_fails_stops_nothing(
    anna: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(message: EmailMultiAlternatives) -> int:
        raise OSError("no mail today")

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
    assert Client().post(RESET, {"email": anna.email}).status_code == 302
    answer = proved(anna).post(CHANGE, {"oldpassword": PASSWORD, **BOTH}, secure=True)
    assert answer.status_code == 302
    anna.refresh_from_db()
    assert anna.check_password(NEW)
    assert caplog.text.count("no mail today") == 2
    assert anna.email in caplog.text


def test_nobody_changes_his_own_address(anna: User) -> None:
    page = reverse("account_email")
    for answer in (
        sign_in(anna).get(page),
        sign_in(anna).post(page, {"action_add": "", "email": "second@example.com"}),
    ):
        assert (answer.status_code, answer["Location"]) == (302, reverse("portal:settings"))
    assert not EmailAddress.objects.exists()
    assert not mail.outbox
