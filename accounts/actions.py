"""Changes to accounts. Each raises Django's ValidationError, by field, and leaves nothing half done."""

from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.activity import record
from accounts.models import Account, Deed


def create_account(values: Mapping[str, str]) -> Account:
    """A new account from the values of its fields."""
    account = Account(**values)
    account.full_clean()
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError as error:  # another request took the code since full_clean looked
        raise ValidationError({"code": ValidationError(_("This code is taken."), code="unique")}) from error
    return account


@transaction.atomic
def change_account(account: Account, values: Mapping[str, str]) -> Account:
    """Set the given fields. The code stays: it is the subject of the account's events."""
    if values.get("code", account.code) != account.code:
        sentence = _("The code cannot be changed: events are sent to it.")
        raise ValidationError({"code": ValidationError(sentence, code="fixed")})
    before = {field: getattr(account, field) for field in values}
    for field, value in values.items():
        setattr(account, field, value)
    account.full_clean()
    account.save(update_fields=[*values] or None)
    keep_details(account, before)
    return account


def keep_details(account: Account, before: Mapping[str, str]) -> None:
    """Keep who changed which details, of those that were `before`."""
    changed = {name: was for name, was in before.items() if getattr(account, name) != was}
    if changed:
        after = {name: getattr(account, name) for name in changed}
        record(account, Deed.DETAILS_CHANGED, before=changed, after=after)
