"""Staff and other people's sign-in: factors are taken and never read, nobody is deleted, an account keeps its owner."""

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.models import Account, Membership, Role, User
from tests.factories import make_account, make_member
from tests.plans.test_admin import fields
from tests.portal import test_second_factor
from tests.portal.test_passkeys import PASSWORD, added
from tests.portal.world import sign_in

NEEDS = "would have no owner who can sign in"


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


@pytest.fixture
def anna(account: Account) -> User:
    """The only owner, with an authenticator app, recovery codes and a passkey."""
    user = make_member(account)
    user.set_password(PASSWORD)
    user.save()
    added(user)
    return user


@pytest.fixture
def staff(db: None) -> Client:
    return sign_in(User.objects.create_superuser("staff@example.com", PASSWORD))


def page_of(one: User | Account) -> str:
    return reverse(f"admin:accounts_{one._meta.model_name}_change", args=[one.pk])


def shown(client: Client, one: User | Account) -> dict[str, str]:
    """The fields of the page of `one`; nobody here is in a group."""
    empty = ("groups", "user_permissions")
    return {name: text for name, text in fields(client, page_of(one)).items() if name not in empty}


def post(client: Client, one: User | Account, **changed: str | None) -> str:
    """The page of `one` sent back with what is `changed` (None: not ticked); the text of the answer, "" when saved."""
    form = {name: text for name, text in {**shown(client, one), **changed}.items() if text is not None}
    answer = client.post(page_of(one), form)
    return answer.content.decode() if answer.status_code == 200 else ""


def kinds(user: User) -> set[str]:
    return set(Authenticator.objects.filter(user=user).values_list("type", flat=True))


def add_app(user: User) -> None:
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "sealed-secret"})


def delete(user: User, *types: str) -> dict[str, str]:
    """The ticks beside these factors."""
    every = Authenticator.objects.filter(user=user).order_by("pk")
    return {f"authenticator_set-{place}-DELETE": "on" for place, one in enumerate(every) if one.type in types}


def test_factors_are_taken_away_and_it_is_told_and_kept(
    staff: Client, anna: User, django_capture_on_commit_callbacks
) -> None:
    add_app(anna)
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert post(staff, anna, **delete(anna, "totp")) == ""
    assert kinds(anna) == {"webauthn", "recovery_codes"}
    (message,) = mail.outbox
    assert message.to == [anna.email]
    assert "Our support did it." in message.body
    entry = LogEntry.objects.get()
    assert (entry.user.email, entry.object_id) == ("staff@example.com", str(anna.pk))  # type: ignore[attr-defined]
    assert "Deleted authenticator" in entry.get_change_message()
    assert "TOTP" in entry.get_change_message()


def test_recovery_codes_go_with_the_last_factor(staff: Client, anna: User) -> None:
    assert post(staff, anna, **delete(anna, "webauthn")) == ""
    assert kinds(anna) == set()
    client = test_second_factor.entered(anna)
    assert client.get(reverse("portal:overview")).status_code == 200, "the password alone signs in again"


def test_saving_a_person_takes_nothing(staff: Client, anna: User, django_capture_on_commit_callbacks) -> None:
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert post(staff, anna, name="Anna") == ""
    anna.refresh_from_db()
    assert (anna.name, kinds(anna)) == ("Anna", {"webauthn", "recovery_codes"})
    assert not mail.outbox


def test_factors_are_neither_read_nor_written(staff: Client, anna: User) -> None:
    add_app(anna)
    text = staff.get(page_of(anna)).content.decode()
    for one in Authenticator.objects.filter(user=anna):
        for name, value in one.data.items():
            if name in ("secret", "seed", "credential"):
                assert str(value) not in text, name
    assert "sealed-secret" not in text
    assert Authenticator not in admin.site._registry
    with pytest.raises(NoReverseMatch):
        reverse("admin:mfa_authenticator_changelist")
    before = list(Authenticator.objects.order_by("pk").values())
    forged = {
        "authenticator_set-0-data": "{}",
        "authenticator_set-0-type": "totp",
        "authenticator_set-TOTAL_FORMS": "9",
        "authenticator_set-8-type": "totp",
        "authenticator_set-8-data": '{"secret": "x"}',
    }
    post(staff, anna, **forged)
    assert list(Authenticator.objects.order_by("pk").values()) == before


def test_support_takes_none_of_a_superuser(anna: User) -> None:
    boss = User.objects.create_superuser("boss@example.com", PASSWORD)
    add_app(boss)
    helper = User.objects.create_user("helper@example.com", PASSWORD, is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(content_type__app_label__in=("accounts", "mfa")))
    client = sign_in(helper)
    form = {"authenticator_set-0-DELETE": "on"}
    assert client.post(page_of(boss), form).status_code == 403
    assert kinds(boss) == {"totp"}
    assert post(client, anna, **delete(anna, "webauthn")) == ""
    assert kinds(anna) == set()


def test_who_may_only_read_memberships_may_change_a_person(anna: User) -> None:
    helper = User.objects.create_user("helper@example.com", PASSWORD, is_staff=True)
    may = ("change_user", "view_membership", "view_authenticator")
    helper.user_permissions.set(Permission.objects.filter(codename__in=may))
    client = sign_in(helper)
    assert post(client, anna, name="Anna", **delete(anna, "webauthn")) == ""
    anna.refresh_from_db()
    assert (anna.name, kinds(anna)) == ("Anna", {"webauthn", "recovery_codes"})
    assert NEEDS in post(client, anna, is_active=None)


def test_a_password_that_support_sets_is_told(
    staff: Client, anna: User, django_capture_on_commit_callbacks
) -> None:
    mail.outbox.clear()
    new = {"usable_password": "true", "password1": "seven green boats", "password2": "seven green boats"}
    with django_capture_on_commit_callbacks(execute=True):
        answer = staff.post(reverse("admin:auth_user_password_change", args=[anna.pk]), new)
    assert answer.status_code == 302
    (message,) = mail.outbox
    assert message.subject == "Your password was changed"
    assert "Our support did it." in message.body


def test_an_address_that_support_changes_is_told_at_both(
    staff: Client, anna: User, django_capture_on_commit_callbacks
) -> None:
    old = anna.email
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert post(staff, anna, email="new@acme.example") == ""
    assert [message.to for message in mail.outbox] == [[old], ["new@acme.example"]]
    assert {message.subject for message in mail.outbox} == {
        "The mail address that you sign in with was changed"
    }
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert post(staff, anna, name="Anna Another") == ""
    assert mail.outbox == []


def test_nobody_is_deleted(staff: Client, anna: User) -> None:
    assert (
        staff.post(reverse("admin:accounts_user_delete", args=[anna.pk]), {"post": "yes"}).status_code == 403
    )
    form = {"action": "delete_selected", "_selected_action": [str(anna.pk)], "post": "yes"}
    staff.post(reverse("admin:accounts_user_changelist"), form)
    assert User.objects.filter(pk=anna.pk).exists()


def test_who_is_made_inactive_is_signed_out_for_good(staff: Client, anna: User, account: Account) -> None:
    make_member(account, Role.OWNER, "second@acme.example")
    Authenticator.objects.all().delete()
    overview = reverse("portal:overview")
    clients = [test_second_factor.entered(anna) for _ in range(2)]
    assert [one.get(overview).status_code for one in clients] == [200, 200]
    assert post(staff, anna, is_active=None) == ""
    assert [one.get(overview).status_code for one in clients] == [302, 302]
    assert post(staff, anna, is_active="on") == ""
    assert [one.get(overview).status_code for one in clients] == [302, 302], "sessions do not come back"


def test_the_last_owner_stays_active(staff: Client, anna: User, account: Account) -> None:
    asleep = make_member(account, Role.OWNER, "asleep@acme.example")
    asleep.is_active = False
    asleep.save()
    form = shown(staff, anna)
    del form["is_active"]
    answer = staff.post(page_of(anna), form)
    assert f"acme {NEEDS}" in str(answer.context["adminform"].form.errors["is_active"])
    anna.refresh_from_db()
    assert anna.is_active
    assert post(staff, asleep, name="Still asleep") == ""


@pytest.mark.parametrize("side", ["person", "account"])
@pytest.mark.parametrize("change", [{"role": "viewer"}, {"DELETE": "on"}, {"DELETE": "on", "role": "none"}])
def test_the_last_owner_stays_owner(
    staff: Client, anna: User, account: Account, side: str, change: dict[str, str]
) -> None:
    one = anna if side == "person" else account
    changed = {f"memberships-0-{name}": text for name, text in change.items()}
    answer = staff.post(page_of(one), {**shown(staff, one), **changed})
    rows = answer.context["inline_admin_formsets"][0].formset
    assert NEEDS in str(rows.forms[0].errors["role"])
    assert NEEDS in str(rows.non_form_errors())
    assert Membership.objects.get().role == Role.OWNER
    make_member(account, Role.OWNER, "second@acme.example")
    assert post(staff, one, **changed) == ""
    assert Membership.objects.filter(role=Role.OWNER).count() == 1


def test_who_may_only_remove_members_keeps_the_last_owner(anna: User, account: Account) -> None:
    helper = User.objects.create_user("helper@example.com", PASSWORD, is_staff=True)
    may = ("change_account", "view_membership", "delete_membership")
    helper.user_permissions.set(Permission.objects.filter(codename__in=may))
    assert NEEDS in post(sign_in(helper), account, **{"memberships-0-DELETE": "on"})
    assert Membership.objects.exists()


def test_one_owner_may_follow_another_at_once(staff: Client, anna: User, account: Account) -> None:
    heir = make_member(account, Role.VIEWER)
    rows = Membership.objects.filter(account=account).order_by("pk")
    roles = {
        f"memberships-{place}-role": "owner" if one.user == heir else "viewer"
        for place, one in enumerate(rows)
    }
    assert post(staff, account, **roles) == ""
    assert Membership.objects.get(role=Role.OWNER).user == heir
    gone = {f"memberships-{place}-DELETE": "on" for place in range(2)}
    assert NEEDS in post(staff, account, **gone)


def test_an_owner_is_not_moved_away(staff: Client, anna: User, account: Account) -> None:
    other = make_account("other")
    assert NEEDS in post(staff, anna, **{"memberships-0-account": str(other.pk)})
    assert NEEDS in post(
        staff,
        account,
        **{"memberships-0-user": str(User.objects.get(is_staff=True).pk), "memberships-0-role": "viewer"},
    )
    assert Membership.objects.get().user == anna
