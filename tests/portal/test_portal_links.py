"""Links of host products: who makes them, for whom, to where; good once and not for long."""

import json
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Account, Activity, Membership, PortalLink, Role, User
from accounts.portal_links import check_path, make_link, use_link
from accounts.scope import installation_scope
from portal.pages.deeds import sentence_of
from tests.factories import make_account, make_member
from tests.portal.world import sign_in
from tests.together import at_once


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


@pytest.fixture
def owner(account: Account) -> User:
    return make_member(account)


def ask(body: object, account: str = "acme", text: str = "") -> tuple[int, dict[str, object]]:
    """What the API answers to `body`, asked with the key `text`; with an installation key by default."""
    text = text or create_key("host", ["manage"])[1]
    answer = Client().post(
        f"/api/v1/accounts/{account}/portal-links",
        json.dumps(body),
        "application/json",
        headers={"Authorization": f"Bearer {text}"},
    )
    return answer.status_code, answer.json()


def link(owner: User, path: str = "/billing/usage/?by=model") -> str:
    status, answer = ask({"user_email": owner.email, "path": path})
    assert status == 201, answer
    return str(answer["url"]).partition("://")[2].partition("/")[2]


def opened(client: Client, address: str) -> tuple[int, str]:
    answer = client.get(f"/{address}")
    return answer.status_code, answer.headers.get("Location", "")


def test_it_signs_the_member_in_on_that_account_for_that_page(account: Account, owner: User) -> None:
    other = make_account("aaa-first")
    Membership.objects.create(account=other, user=owner, role=Role.VIEWER)
    client = Client()
    assert opened(client, link(owner)) == (302, "/billing/usage/?by=model")
    assert account.email in client.get(reverse("portal:settings")).content.decode()
    assert "this one" in client.get(reverse("portal:sessions")).content.decode()


def test_it_is_good_once_and_for_five_minutes(account: Account, owner: User) -> None:
    used, late = link(owner), link(owner)
    assert opened(Client(), used)[0] == 302
    PortalLink.objects.filter(used_at=None).update(expires_at=timezone.now())
    for address in (used, late, "billing/open/x/"):
        client = Client()
        answer = client.get(f"/{address}")
        assert answer.status_code == 410
        assert f'href="{reverse("account_login")}"' in answer.content.decode()
        assert client.get(reverse("portal:overview")).status_code == 302
    asked_at = timezone.now()
    _status, answer = ask({"user_email": owner.email})
    good_for = PortalLink.objects.latest("created_at").expires_at - asked_at
    assert timedelta(minutes=5) <= good_for < timedelta(minutes=6)
    assert str(answer["expires_at"]).endswith("Z")


def test_looking_ahead_does_not_use_it_up(account: Account, owner: User) -> None:
    address = link(owner)
    assert Client().head(f"/{address}").status_code == Client().post(f"/{address}").status_code == 405
    assert opened(Client(), address)[0] == 302


def test_both_are_on_record(account: Account, owner: User) -> None:
    opened(Client(), link(owner))
    found = Activity.objects.order_by("pk")
    assert [(row.by, row.by_name, sentence_of(row.deed, row.details, account)) for row in found] == [
        ("key", "host", f"Link made that signs {owner.email} in, for /billing/usage/?by=model."),
        ("member", owner.email, f"{owner.email} signed in by a link, for /billing/usage/?by=model."),
    ]


def test_a_session_by_link_has_proved_nothing(account: Account, owner: User) -> None:
    client = Client()
    opened(client, link(owner))
    asked = client.get(reverse("portal:member_invite"))
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert client.get(reverse("mfa_activate_totp"))["Location"].startswith(reverse("account_reauthenticate"))
    owner.set_unusable_password()
    owner.save()
    client = Client()
    opened(client, link(owner))
    assert client.get(reverse("portal:member_invite"))["Location"] == reverse("account_reset_password")


def test_a_proof_of_the_session_before_does_not_go_over(account: Account, owner: User) -> None:
    client = Client()
    client.post(reverse("account_login"), {"login": owner.email, "password": "correct horse battery"})
    assert client.get(reverse("portal:member_invite")).status_code == 200
    opened(client, link(owner))
    assert client.get(reverse("portal:member_invite")).status_code == 302


def test_only_members_and_no_staff(account: Account, owner: User) -> None:
    stranger = make_member(make_account("other"))
    staff = make_member(account, Role.VIEWER)
    User.objects.filter(pk=staff.pk).update(is_staff=True)
    asleep = make_member(account, Role.BILLING)
    User.objects.filter(pk=asleep.pk).update(is_active=False)
    for email in (stranger.email, staff.email, asleep.email, "nobody@example.com", ""):
        status, answer = ask({"user_email": email})
        assert status == (422 if email else 400)
        assert answer["errors"][0]["pointer"] == "/user_email"  # type: ignore[index]
    assert not PortalLink.objects.exists()
    assert ask({"user_email": owner.email.upper()})[0] == 201


def test_who_is_no_member_any_more_is_not_signed_in(account: Account, owner: User) -> None:
    removed, promoted = link(owner), link(owner)
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    assert opened(Client(), promoted)[0] == 410
    User.objects.filter(pk=owner.pk).update(is_staff=False)
    Membership.objects.all().delete()
    assert opened(Client(), removed)[0] == 410


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example/",
        "/billing//evil.example/",
        "/billing/../admin/",
        "/billing/invoices/..",
        "/billing/invoices/%2e%2e/",
        "/billing/./",
        "/billing\\evil",
        "/admin/",
        "/billing",
        "/billing/no/such/page/",
        "/billing/\nusage/",
        "/billing/usage/?x=<script>",
        "/billing/usage/#x",
        "/billing/usage/?" + "x" * 600,
        "",
    ],
)
def test_it_leads_below_billing_only(account: Account, owner: User, path: str) -> None:
    status, answer = ask({"user_email": owner.email, "path": path})
    assert status == 400
    assert answer["errors"][0]["pointer"] == "/path"  # type: ignore[index]
    with pytest.raises(ValidationError):
        check_path(path)


def test_an_accounts_own_key_makes_none(account: Account, owner: User) -> None:
    own = create_key("own", ["manage"], account)[1]
    assert ask({"user_email": owner.email}, text=own)[0] == 403


def test_of_the_link_only_a_hash_is_kept(account: Account, owner: User) -> None:
    _made, token = make_link(account, owner.email)
    assert token.encode() not in bytes(PortalLink.objects.get().digest)
    assert token not in json.dumps(list(Activity.objects.values_list("details", flat=True)))


def test_of_many_who_open_it_at_once_one_is_signed_in(committed: str) -> None:
    with installation_scope():
        account = make_account()
        _made, token = make_link(account, make_member(account).email)

    def use() -> bool:
        with installation_scope():
            return use_link(token) is not None

    assert sorted(at_once(*[use] * 4)) == [False, False, False, True]


def test_a_frame_is_refused_unless_its_site_is_named(account: Account, owner: User) -> None:
    client = sign_in(owner)
    answer = client.get(reverse("portal:settings"))
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    with override_settings(EMBED_ORIGINS=["https://app.example.com"]):
        answer = client.get(reverse("portal:settings"))
        assert "frame-ancestors 'self' https://app.example.com" in answer.headers["Content-Security-Policy"]
        assert "X-Frame-Options" not in answer.headers
        for other in (reverse("account_change_password"), "/api/docs/"):
            assert "frame-ancestors 'none'" in client.get(other).headers["Content-Security-Policy"]
