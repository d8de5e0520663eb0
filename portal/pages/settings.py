"""The settings page: an index of what can be set, each part with its facts in short."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q

from accounts.models import Account, ApiKey, Mail, Membership
from portal.pages.details import checked
from portal.pages.language import locale_name
from portal.places import country_name


@dataclass(frozen=True, slots=True)
class KeysInShort:
    """How many keys are in force, and when one of the account's was last used."""

    live: int
    used: datetime | None


@dataclass(frozen=True, slots=True)
class SettingsPage:
    account: Account
    address: Sequence[str]
    tax_id_checked: str
    language: str
    mails: Sequence[str]
    members: int
    keys: KeysInShort | None


def settings_page(account: Account, member: Membership, at: datetime, with_keys: bool) -> SettingsPage:
    """Each section in short; what is changed stands on a page of its own."""
    place = f"{account.postcode} {account.city}".strip()
    return SettingsPage(
        account=account,
        address=[
            line for line in (account.line1, account.line2, place, country_name(account.country)) if line
        ],
        tax_id_checked=checked(account),
        language=locale_name(account.locale),
        mails=[str(mail.label) for mail in Mail if mail in member.wanted_mails],
        members=account.memberships.count(),
        keys=_keys(account, at) if with_keys else None,
    )


def _keys(account: Account, at: datetime) -> KeysInShort:
    live = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=at))
    keys = ApiKey.objects.filter(account=account)
    return KeysInShort(**keys.aggregate(live=Count("pk", filter=live), used=Max("last_used_at")))
