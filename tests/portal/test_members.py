"""The team: inviting, joining, roles, leaving; who may, and that an account keeps an owner."""

import re
import time
from datetime import timedelta
from functools import partial

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import team
from accounts.models import Account, Activity, Invitation, Membership, Role, User
from accounts.permissions import ALLOWED, Act
from accounts.scope import account_scope, installation_scope
from portal.pages.members import ACTS
from tests.factories import make_account, make_member
from tests.portal.world import HOSTILE, sign_in
from tests.together import at_once

LIST, INVITE = reverse("portal:members"), reverse("portal:member_invite")
PASSWORD = "correct horse battery"
AGAIN = reverse("account_reauthenticate")


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


@pytest.fixture
def owner(account: Account) -> User:
    return make_member(account)


def proved(user: User) -> Client:
    """Signed in with the password just now, so that nothing is asked once more."""
    client = sign_in(user)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time()}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def test_a_sign_in_by_the_form_is_a_proof(owner: User) -> None:
    client = Client()
    client.post(reverse("account_login"), {"login": owner.email, "password": PASSWORD})
    assert client.get(INVITE).status_code == 200


def text(client: Client, address: str = LIST, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.content
    return answer.content.decode()


def invited(
    client: Client, django_capture_on_commit_callbacks, email: str = "new@example.com", **form: str
) -> str:
    """Invite somebody, and the path of the link in his mail."""
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(INVITE, {"email": email, "name": "Nia New", "role": "billing", **form})
    assert answer.status_code == 302, answer.content.decode()
    found = re.search(r"http\S+?(/billing/invitations/\S+)", mail.outbox[-1].body)
    assert found is not None
    return found[1]


def test_somebody_new_is_invited_and_joins(
    owner: User, account: Account, django_capture_on_commit_callbacks
) -> None:
    link = invited(proved(owner), django_capture_on_commit_callbacks)
    message = mail.outbox[-1]
    assert message.to == ["new@example.com"]
    assert message.subject.startswith("Join Acme at ")
    assert f"{owner} invites you to the account Acme" in message.body
    assert "Mailed" in text(proved(owner))
    stranger = Client()
    page = text(stranger, link)
    assert 'value="Nia New"' in page
    weak = stranger.post(link, {"name": "Nia New", "password": "123"})
    assert weak.status_code == 422
    assert '<a href="#id_password">' in weak.content.decode()
    assert not User.objects.filter(email="new@example.com").exists()
    joined = stranger.post(link, {"name": "Nia New", "password": "nine blue lanterns"})
    assert joined["Location"] == reverse("portal:overview")
    assert Membership.objects.get(user__email="new@example.com").role == "billing"
    assert text(stranger, reverse("portal:settings"))
    assert "no longer works" in text(Client(), link, 404), "the link is good once"
    assert list(Activity.objects.order_by("pk").values_list("deed", "by_email")) == [
        ("member.invited", owner.email),
        ("member.joined", "new@example.com"),
    ]


def test_who_has_a_user_signs_in_and_switches(
    owner: User, account: Account, django_capture_on_commit_callbacks
) -> None:
    other = make_member(make_account("zebra"), email="both@example.com")
    link = invited(proved(owner), django_capture_on_commit_callbacks, "BOTH@example.com")
    page = text(Client(), link)
    assert f"{reverse('account_login')}?next={link}" in page
    assert 'name="password"' not in page
    assert Client().post(link, {"name": "x", "password": "nine blue lanterns"}).status_code == 200
    assert "you are signed in as" in text(proved(owner), link)
    client = proved(other)
    assert "Join the account" in text(client, link)
    assert client.post(link).status_code == 302
    assert {one.account.code for one in other.memberships.all()} == {"acme", "zebra"}
    assert "Acme" in text(client, reverse("portal:settings"))
    client.post(reverse("portal:switch"), {"account": "zebra"})
    assert "billing@zebra.example" in text(client, reverse("portal:settings"))


def test_a_link_is_good_for_seven_days_until_withdrawn_or_sent_again(
    owner: User, account: Account, django_capture_on_commit_callbacks
) -> None:
    client = proved(owner)
    first = invited(client, django_capture_on_commit_callbacks)
    one = Invitation.objects.get()
    change = reverse("portal:invitation_change", args=[one.pk])
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(change, {"act": "again"}).status_code == 302
    second = re.findall(r"/billing/invitations/\S+", mail.outbox[-1].body)[0]
    assert second != first
    text(Client(), first, 404)
    text(Client(), second)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    text(Client(), second, 404)
    assert "Expired" in text(client)
    Invitation.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert "is withdrawn" in client.post(change, {"act": "withdraw"}, follow=True).content.decode()
    text(Client(), second, 404)
    assert client.post(change, {"act": "again"}, follow=True).status_code == 200
    assert len(mail.outbox) == 2, "one that is withdrawn is sent to nobody"
    assert client.post(change, {"act": "explode"}).status_code == 404


def test_of_the_token_only_a_hash_is_kept(owner: User, account: Account) -> None:
    made, token = team.invite(account, "a@example.com", "", "viewer", owner)
    made.refresh_from_db()
    assert token.encode() not in bytes(made.digest)
    assert len(bytes(made.digest)) == 32


@pytest.mark.parametrize(
    ("form", "field", "sentence"),
    [
        ({"email": "nobody"}, "email", "Enter a valid email address."),
        ({"email": ""}, "email", "This field cannot be blank."),
        ({"email": "OWNER@acme.example"}, "email", "is a member already"),
        ({"email": "waits@example.com"}, "email", "is invited already"),
        ({"role": "king"}, "role", "Choose one of the roles."),
        ({"role": ""}, "role", "Choose one of the roles."),
        ({"name": "a\nb"}, "name", "line"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    owner: User, account: Account, form: dict[str, str], field: str, sentence: str
) -> None:
    team.invite(account, "waits@example.com", "", "viewer", owner)
    typed = {"email": "kept@example.com", "name": "Kept", "role": "viewer", **form}
    answer = proved(owner).post(INVITE, typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "<title>Error:" in page
    assert re.search(rf'<a href="#f-{field}">[^<]*{sentence}', page), page
    assert Invitation.objects.count() == 1
    assert 'value="Kept"' in page or field == "name"


def test_sensitive_acts_ask_once_more(owner: User, account: Account) -> None:
    member = make_member(account, Role.VIEWER).memberships.get()
    client = sign_in(owner)
    page = reverse("portal:member", args=[member.pk])
    for address in (INVITE, page):
        for answer in (client.get(address), client.post(address, {"act": "remove", "page": address})):
            assert answer["Location"] == f"{AGAIN}?next={address.replace('/', '%2F')}"
    far = client.post(page, {"act": "remove", "page": "https://evil.example/"})
    assert far["Location"].endswith("next=%2Fbilling%2Fsettings%2F")
    assert Membership.objects.filter(pk=member.pk).exists()
    back = client.post(f"{AGAIN}?next={page}", {"password": PASSWORD, "next": page})
    assert back["Location"] == page
    assert client.get(page).status_code == 200


def test_a_proof_grows_old(owner: User, settings) -> None:
    client = proved(owner)
    assert client.get(INVITE).status_code == 200
    session = client.session
    session["account_authentication_methods"][0]["at"] -= 601
    session.save()
    assert client.get(INVITE)["Location"].startswith(AGAIN)


def test_roles_and_removal(owner: User, account: Account) -> None:
    other = make_member(account, Role.VIEWER)
    client, page = proved(owner), reverse("portal:member", args=[other.memberships.get().pk])
    assert (
        "has the role"
        in client.post(page, {"act": "role", "role": "developer"}, follow=True).content.decode()
    )
    assert other.memberships.get().role == Role.DEVELOPER
    assert client.post(page, {"act": "role", "role": "king"}).status_code == 422
    assert client.post(page, {"act": "explode"}).status_code == 404
    assert "is removed from the account" in client.post(page, {"act": "remove"}, follow=True).content.decode()
    assert not other.memberships.exists()
    assert sign_in(other).get(reverse("portal:overview")).status_code == 404


def test_the_last_owner_stays(owner: User, account: Account) -> None:
    make_member(account, Role.BILLING)
    asleep = make_member(account, Role.OWNER, "asleep@acme.example")
    asleep.is_active = False
    asleep.save()
    client, page = proved(owner), reverse("portal:member", args=[owner.memberships.get().pk])
    for form in ({"act": "role", "role": "viewer"}, {"act": "remove"}):
        answer = client.post(page, form)
        assert answer.status_code == 422
        assert "An account needs an owner" in answer.content.decode()
    assert owner.memberships.get().role == Role.OWNER


def test_everybody_may_leave(owner: User, account: Account) -> None:
    viewer = make_member(account, Role.VIEWER)
    client, page = proved(viewer), reverse("portal:member", args=[viewer.memberships.get().pk])
    assert page in text(client)
    assert client.post(page, {"act": "role", "role": "owner"}).status_code == 404
    left = client.post(page, {"act": "remove"}, follow=True)
    assert "You have left Acme" in left.content.decode()
    assert Activity.objects.get().deed == "member.left"


@pytest.mark.parametrize("role", [Role.BILLING, Role.DEVELOPER, Role.VIEWER])
def test_only_owners_manage(owner: User, account: Account, role: str) -> None:
    made, _token = team.invite(account, "a@example.com", "", "viewer", owner)
    client = proved(make_member(account, role))
    assert "a@example.com" not in text(client)
    assert client.get(INVITE).status_code == 403
    assert client.post(INVITE, {"email": "b@example.com", "role": "owner"}).status_code == 403
    assert (
        client.post(reverse("portal:invitation_change", args=[made.pk]), {"act": "withdraw"}).status_code
        == 403
    )
    other = reverse("portal:member", args=[owner.memberships.get().pk])
    assert client.get(other).status_code == client.post(other, {"act": "remove"}).status_code == 404


def test_anothers_are_not_there(owner: User) -> None:
    other = make_account("other")
    theirs = make_member(other)
    made, _token = team.invite(other, "a@example.com", "", "viewer", theirs)
    client = proved(owner)
    assert theirs.email not in text(client)
    for address in (
        reverse("portal:member", args=[theirs.memberships.get().pk]),
        reverse("portal:invitation_change", args=[made.pk]),
    ):
        assert client.post(address, {"act": "remove"}).status_code == 404
    text(Client(), reverse("portal:invitation", args=["x" * 43]), 404)


def test_the_table_says_what_permissions_say(owner: User) -> None:
    assert set(ACTS) == set(Act)
    page = text(sign_in(owner))
    rows = re.findall(
        r'<tr role="row"><th scope="row" role="rowheader">([^<]+)</th>((?:<td.*?</td>)+)</tr>', page
    )
    found = {what: ["yes" in cell for cell in cells.split("</td>")[:-1]] for what, cells in rows}
    for act, words in ACTS.items():
        assert found[str(words)] == [role in ALLOWED[act] for role in Role], act


def test_what_was_typed_is_never_markup(owner: User, account: Account) -> None:
    owner.name = HOSTILE
    owner.save()
    _made, token = team.invite(account, "a@example.com", "<b>x", "viewer", owner)
    for page in (text(sign_in(owner)), text(Client(), reverse("portal:invitation", args=[token]))):
        assert "<script>alert" not in page
        assert "<b>x" not in page


def test_in_french(db: None, django_capture_on_commit_callbacks) -> None:
    account = make_account(locale="fr")
    owner = make_member(account)
    link = invited(proved(owner), django_capture_on_commit_callbacks)
    assert "vous invite à rejoindre le compte Acme" in mail.outbox[-1].body
    assert "Choisissez un mot de passe" in text(Client(), link)
    assert "Ce que permet chaque rôle" in text(proved(owner))


def test_it_takes_as_many_statements_for_many_members_as_for_one(owner: User, account: Account) -> None:
    client, counts = sign_in(owner), list[int]()
    for more in (0, 59):
        for number in range(more):
            make_member(account, Role.VIEWER, f"v{number}@example.com")
        for number in range(min(more, 40)):
            team.invite(account, f"i{number}@example.com", "", "viewer", owner)
        with CaptureQueriesContext(connection) as found:
            text(client)
        counts.append(len(found))
    assert counts[0] == counts[1] <= 12, counts


def test_of_two_owners_who_remove_each_other_at_once_one_stays(committed: str) -> None:
    with installation_scope():
        account = make_account()
        users = [make_member(account, Role.OWNER, f"{name}@example.com") for name in ("anna", "bea")]
        rows = [user.memberships.get() for user in users]
    refused = list[str]()

    def strike(mine: int) -> None:
        try:
            with account_scope(account.pk):
                team.remove(rows[1 - mine], users[mine])
        except ValidationError as error:
            refused.append(error.messages[0])

    at_once(*(partial(strike, mine) for mine in (0, 1)))
    with installation_scope():
        assert Membership.objects.filter(account=account, role=Role.OWNER).count() == 1
        assert Activity.objects.filter(deed="member.removed").count() == 1
    assert refused == ["An account needs an owner: make somebody else owner first."]


def test_of_two_who_use_one_link_at_once_one_joins(committed: str) -> None:
    with installation_scope():
        account = make_account()
        made, _token = team.invite(account, "new@example.com", "", "viewer", make_member(account))
        user = User.objects.create_user("new@example.com", PASSWORD)

    def use() -> bool:
        try:
            with installation_scope():
                team.join(made, user)
        except ValidationError:
            return False
        return True

    assert sorted(at_once(*[use] * 4)) == [False, False, False, True]
