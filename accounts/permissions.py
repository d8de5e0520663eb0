"""Who may do what on an account: the one table. Pages and the hiding of their buttons both ask it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from accounts.models import Role


class Act(StrEnum):
    """Something a member may want to do."""

    READ = "read"
    CHANGE_LIMIT = "change_limit"
    TRY_ALERTS = "try_alerts"
    CHANGE_PLAN = "change_plan"
    SEE_KEYS = "see_keys"
    MANAGE_KEYS = "manage_keys"
    GIVE_MANAGE = "give_manage"
    """Make a key with the scope `manage`: it may more than any role but the owner's."""

    CHANGE_WEBHOOKS = "change_webhooks"
    PAY = "pay"
    CHANGE_DETAILS = "change_details"
    MANAGE_MEMBERS = "manage_members"


_EVERYONE: Final = frozenset(Role)
_BUILDERS: Final = frozenset({Role.OWNER, Role.DEVELOPER})
_MONEY: Final = frozenset({Role.OWNER, Role.BILLING})
_OWNERS: Final = frozenset({Role.OWNER})

ALLOWED: Final[Mapping[Act, frozenset[Role]]] = {
    Act.READ: _EVERYONE,
    Act.CHANGE_LIMIT: _MONEY,
    Act.TRY_ALERTS: frozenset({*_MONEY, Role.DEVELOPER}),
    Act.CHANGE_PLAN: _MONEY,
    Act.SEE_KEYS: _BUILDERS,
    Act.MANAGE_KEYS: _BUILDERS,
    Act.GIVE_MANAGE: _OWNERS,
    Act.CHANGE_WEBHOOKS: _BUILDERS,
    Act.PAY: _MONEY,
    Act.CHANGE_DETAILS: _MONEY,
    Act.MANAGE_MEMBERS: _OWNERS,
}


def allows(role: str, act: Act) -> bool:
    """Whether a member with `role` may do `act`; an unknown role may do nothing."""
    return role in ALLOWED[act]
