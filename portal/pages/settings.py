"""The settings page: the account's details, to read, and the way to the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import Account, ApiKey


@dataclass(frozen=True, slots=True)
class SettingsPage:
    account: Account
    address: Sequence[str]
    members: int
    keys: Sequence[ApiKey]


def settings_page(account: Account, with_keys: bool) -> SettingsPage:
    """Keys are listed by name and prefix; their text is never kept."""
    place = f"{account.postcode} {account.city}".strip()
    return SettingsPage(
        account=account,
        address=[line for line in (account.line1, account.line2, place, account.country) if line],
        members=account.memberships.count(),
        keys=list(ApiKey.objects.filter(account=account).order_by("created_at")) if with_keys else [],
    )
