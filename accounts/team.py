"""Who belongs to an account, and changing it: invite, join, another role, leave.

An account never loses its last owner. Each change locks the account's row first, so that of two owners who remove each
other at once the second finds himself the last. Refusals are Django's ValidationErrors, by field.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.activity import record
from accounts.models import Account, Deed, Invitation, Membership, Role, User

VALID_FOR: Final = timedelta(days=7)
MOST_OPEN: Final = 50
"""Invitations of one account that wait: each is a mail to somebody who did not ask for it."""
_OPEN: Final[dict[str, Any]] = {"accepted_at": None, "withdrawn_at": None}


@transaction.atomic
def invite(account: Account, email: str, name: str, role: str, by: User) -> tuple[Invitation, str]:
    """A new invitation and the token of its link, which nothing keeps. Raises ValidationError: email, name, role."""
    _lock(account)
    email, token = User.objects.normalize_email(email.strip()), secrets.token_urlsafe(32)
    made = Invitation(
        account=account,
        email=email,
        name=name.strip(),
        role=role,
        digest=_digest(token),
        invited_by=by,
        expires_at=timezone.now() + VALID_FOR,
    )
    _check(made)
    if Membership.objects.filter(account=account, user__email__iexact=email).exists():
        raise _refused("email", _("%(email)s is a member already.") % {"email": email})
    waiting = open_invitations(account)
    if waiting.filter(email__iexact=email).exists():
        raise _refused(
            "email", _("%(email)s is invited already: send it again, or withdraw it.") % {"email": email}
        )
    if waiting.count() >= MOST_OPEN:
        raise _refused("email", _("%s invitations are waiting already: withdraw one first.") % MOST_OPEN)
    made.save(force_insert=True)
    record(account, Deed.MEMBER_INVITED, by=by, member=made.told, role=role)
    return made, token


@transaction.atomic
def invite_again(invitation: Invitation, by: User) -> str:
    """A new token, good for as long as the first was; the one before is good no more."""
    _lock(invitation.account)
    found = _waiting(invitation)
    token = secrets.token_urlsafe(32)
    found.digest, found.expires_at = _digest(token), timezone.now() + VALID_FOR
    found.sent_at, found.error = None, ""
    found.save(update_fields=["digest", "expires_at", "sent_at", "error"])
    record(found.account_id, Deed.INVITED_AGAIN, by=by, member=found.told, role=found.role)
    return token


@transaction.atomic
def withdraw(invitation: Invitation, by: User) -> None:
    _lock(invitation.account)
    found = _waiting(invitation)
    found.withdrawn_at = timezone.now()
    found.save(update_fields=["withdrawn_at"])
    record(found.account_id, Deed.INVITATION_WITHDRAWN, by=by, member=found.told, role=found.role)


def invitation_of(token: str) -> Invitation | None:
    """The invitation whose link has `token`, while it is good. In the installation's scope: whose it is, it says."""
    rows = Invitation.objects.select_related("account", "invited_by")
    return rows.filter(digest=_digest(token), **_OPEN, expires_at__gt=timezone.now()).first()


@transaction.atomic
def join(invitation: Invitation, user: User) -> Membership:
    """Make `user` the member that the invitation asks for; it is used up. Raises ValidationError if it is not good."""
    _lock(invitation.account)
    found = _waiting(invitation)
    if user.email.casefold() != found.email.casefold() or found.expires_at <= timezone.now():
        raise _refused("email", _("This invitation is for another address, or too old."))
    found.accepted_at = timezone.now()
    found.save(update_fields=["accepted_at"])
    made, new = Membership.objects.get_or_create(
        account=found.account, user=user, defaults={"role": found.role}
    )
    if new:
        record(found.account_id, Deed.MEMBER_JOINED, by=user, member=made.told, role=made.role)
    return made


@transaction.atomic
def change_role(membership: Membership, role: str, by: User) -> Membership:
    """Give another role. Raises ValidationError: role."""
    found = _locked(membership)
    _check_role(role)
    if role == found.role:
        return found
    _keep_an_owner(found, "role")
    before, found.role = found.role, role
    found.save(update_fields=["role"])
    record(found.account_id, Deed.ROLE_CHANGED, by=by, member=found.told, before=before, after=role)
    return found


@transaction.atomic
def remove(membership: Membership, by: User) -> None:
    """Remove a member; who removes himself leaves. Raises ValidationError: member."""
    found = _locked(membership)
    _keep_an_owner(found, "member")
    deed = Deed.MEMBER_LEFT if found.user_id == by.pk else Deed.MEMBER_REMOVED
    record(found.account_id, deed, by=by, member=found.told, role=found.role)
    found.delete()


def open_invitations(account: Account) -> QuerySet[Invitation]:
    """Those that wait, also too long."""
    return Invitation.objects.filter(account=account, **_OPEN)


def lock(accounts: Iterable[int]) -> None:
    """Until the transaction ends nobody else changes the teams of these accounts."""
    list(Account.objects.select_for_update(no_key=True).filter(pk__in=accounts).order_by("pk"))


def other_owners(account: int, leaving: Iterable[int]) -> QuerySet[Membership]:
    """Who owns the account and can sign in, without the memberships that are `leaving`."""
    owners = Membership.objects.filter(account=account, role=Role.OWNER, user__is_active=True)
    return owners.exclude(pk__in=leaving)


def _lock(account: Account) -> None:
    lock([account.pk])


def _locked(membership: Membership) -> Membership:
    """The membership as it is now that nobody else changes the account's team."""
    _lock(membership.account)
    found = Membership.objects.select_related("user", "account").filter(pk=membership.pk).first()
    if found is None:
        raise _refused("member", _("This person is no member any more."))
    return found


def _waiting(invitation: Invitation) -> Invitation:
    found = Invitation.objects.select_related("account").filter(pk=invitation.pk, **_OPEN).first()
    if found is None:
        raise _refused("email", _("This invitation was used or withdrawn."))
    return found


def _keep_an_owner(leaving: Membership, field: str) -> None:
    """Refuse where no active owner would be left."""
    if leaving.role != Role.OWNER:
        return
    if not other_owners(leaving.account_id, [leaving.pk]).exists():
        raise _refused(field, _("An account needs an owner: make somebody else owner first."))


def _check(made: Invitation) -> None:
    """All that is wrong with what was typed is raised together."""
    try:
        made.clean_fields(exclude={"id", "account", "digest", "invited_by", "expires_at"})
    except ValidationError as error:
        wrong: dict[str, Any] = dict(error.error_dict)
        if "role" in wrong:
            wrong["role"] = [_("Choose one of the roles.")]
        raise ValidationError(wrong) from error


def _check_role(role: str) -> None:
    if role not in Role.values:
        raise _refused("role", _("Choose one of the roles."))


def _refused(field: str, sentence: str) -> ValidationError:
    return ValidationError({field: sentence})


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
