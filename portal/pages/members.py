"""The team of an account: members, invitations that wait, and what each role may do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Invitation, Membership, Role, User
from accounts.permissions import ALLOWED, Act
from accounts.team import open_invitations

ACTS: Final = {
    Act.READ: _("Read everything: usage, limits, invoices, plan"),
    Act.CHANGE_LIMIT: _("Set limits and alerts"),
    Act.TRY_ALERTS: _("Try the alerts"),
    Act.CHANGE_PLAN: _("Change or cancel the plan, redeem coupons"),
    Act.PAY: _("Add cards and pay invoices"),
    Act.CHANGE_DETAILS: _("Change billing details, language and time zone"),
    Act.SEE_KEYS: _("See API keys"),
    Act.MANAGE_KEYS: _("Make, replace and revoke API keys"),
    Act.GIVE_MANAGE: _("Make API keys that may everything"),
    Act.CHANGE_WEBHOOKS: _("Add and change webhooks"),
    Act.MANAGE_MEMBERS: _("Invite and remove members, change roles"),
}
"""What each act is to a reader, in the order of the table."""


@dataclass(frozen=True, slots=True)
class Permission:
    """A row of the table: `allowed` for each role, in the order of `Role`."""

    what: str
    allowed: Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An invitation that waits: how its mail stands, with tone and icon."""

    invitation: Invitation
    expired: bool


@dataclass(frozen=True, slots=True)
class MembersPage:
    members: Sequence[Membership]
    invitations: Sequence[InvitationRow]
    roles: Sequence[str]
    permissions: Sequence[Permission]


@dataclass(frozen=True, slots=True)
class InviteForm:
    """What the form holds: nothing, or as typed with its errors by field."""

    email: str = ""
    name: str = ""
    role: str = ""
    errors: tuple[tuple[str, str], ...] = ()

    @property
    def wrong(self) -> Mapping[str, str]:
        return dict(self.errors)

    @property
    def roles(self) -> Sequence[tuple[str, str]]:
        return [(role.value, str(role.label)) for role in Role]


@dataclass(frozen=True, slots=True)
class MemberPage:
    """One member, for who may change him; `own` if it is the reader himself."""

    member: Membership
    own: bool
    roles: Sequence[tuple[str, str]]
    errors: tuple[tuple[str, str], ...] = ()

    @property
    def wrong(self) -> Mapping[str, str]:
        return dict(self.errors)


def members_page(account: Account, at: datetime, with_invitations: bool) -> MembersPage:
    """Who waits is shown to those who may invite."""
    waiting = open_invitations(account) if with_invitations else ()
    return MembersPage(
        members=list(account.memberships.select_related("user").order_by("user__email")),
        invitations=[InvitationRow(one, one.expires_at <= at) for one in waiting],
        roles=[str(role.label) for role in Role],
        permissions=permissions(),
    )


def permissions() -> list[Permission]:
    """The whole table of accounts/permissions.py, in words."""
    return [
        Permission(str(words), [(str(role.label), role in ALLOWED[act]) for role in Role])
        for act, words in ACTS.items()
    ]


def member_page(member: Membership, reader: User, errors: tuple[tuple[str, str], ...] = ()) -> MemberPage:
    roles = [(role.value, str(role.label)) for role in Role]
    return MemberPage(member, member.user_id == reader.pk, roles, errors)


def errors_of(error: ValidationError) -> tuple[tuple[str, str], ...]:
    """A refusal as (field, sentence), each once."""
    return tuple((field, sentences[0]) for field, sentences in error.message_dict.items())
