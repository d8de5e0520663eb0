"""What stands around every page: the brand, the account and the way to the other pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.members import memberships_of
from accounts.models import Account, User
from portal import dates

PLACES = (
    ("overview", _("Overview")),
    ("usage", _("Usage")),
    ("limits", _("Limits")),
    ("invoices", _("Invoices")),
    ("plan", _("Plan")),
    ("settings", _("Settings")),
)


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Shell:
    brand: str
    account: Account
    accounts: Sequence[Account]
    person: str
    email: str
    nav: tuple[Place, ...]
    zone: str
    address: str
    now: datetime

    @property
    def others(self) -> bool:
        """Whether there is another account to switch to."""
        return len(self.accounts) > 1


def shell(user: User, account: Account, at: datetime, path: str, place: str) -> Shell:
    """`place` is the name of the page in the rail that this one belongs to."""
    memberships = sorted(memberships_of(user), key=lambda one: one.account.name)
    return Shell(
        brand=settings.SELLER.name,
        account=account,
        accounts=[one.account for one in memberships],
        person=str(user),
        email=user.email,
        nav=tuple(Place(str(name), reverse(f"portal:{code}"), code == place) for code, name in PLACES),
        zone=dates.zone_label(account.timezone, at),
        address=settings.SITE_URL.partition("://")[2] + path,
        now=at,
    )
