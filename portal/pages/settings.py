"""The settings page: the account's details and members, to read."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import Account, ApiKey, Mail, Membership
from portal.pages.details import checked
from portal.pages.language import locale_name
from portal.places import country_name


@dataclass(frozen=True, slots=True)
class SettingsPage:
    account: Account
    address: Sequence[str]
    tax_id_checked: str
    language: str
    mails: Sequence[str]
    members: Sequence[Membership]
    keys: Sequence[ApiKey]


def settings_page(account: Account, member: Membership, with_keys: bool) -> SettingsPage:
    """Keys are listed by name and prefix; their text is never kept."""
    place = f"{account.postcode} {account.city}".strip()
    return SettingsPage(
        account=account,
        address=[
            line for line in (account.line1, account.line2, place, country_name(account.country)) if line
        ],
        tax_id_checked=checked(account),
        language=locale_name(account.locale),
        mails=[str(mail.label) for mail in Mail if mail in member.wanted_mails],
        members=list(account.memberships.select_related("user").order_by("user__email")),
        keys=list(ApiKey.objects.filter(account=account).order_by("created_at")) if with_keys else [],
    )
