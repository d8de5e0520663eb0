"""The form of an account's language and time zone."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from babel import Locale
from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy

from accounts.models import Account
from portal.pages.details import AccountForm
from portal.places import zones

LOCALES: Final = (
    "en-GB",
    "en-AU",
    "en-CA",
    "en-IE",
    "en-US",
    "fr-FR",
    "fr-BE",
    "fr-CA",
    "fr-CH",
    "fr-LU",
)
"""The languages of the portal with the countries whose figures and dates CLDR writes their own way."""


class LanguageForm(AccountForm):
    locale = forms.ChoiceField(
        label=gettext_lazy("Language of the account"),
        help_text=gettext_lazy(
            "Of the next invoices and of mails. The country decides how amounts and dates are written."
        ),
        error_messages={"invalid_choice": gettext_lazy("Choose a language of the list")},
    )
    timezone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy(
            "Days and billing periods begin at midnight there. A change holds from the next billing period: the "
            "running one ends when it was to end."
        ),
        error_messages={"invalid_choice": gettext_lazy("Choose a time zone of the list")},
    )

    class Meta:
        model = Account
        fields: ClassVar = ("locale", "timezone")

    def __init__(self, account: Account, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(account, data)
        self.fields["locale"].choices = locales(account.locale)  # type: ignore[attr-defined]
        self.fields["timezone"].choices = zones(account.timezone)  # type: ignore[attr-defined]


def locales(own: str) -> Sequence[tuple[str, str]]:
    """Each language by its own name, and `own`, whatever it is."""
    known = [*LOCALES, *([own] if own not in LOCALES else [])]
    return [(each, locale_name(each)) for each in known]


def locale_name(locale: str) -> str:
    """ "Français (France)": as who speaks it calls it."""
    return capfirst(Locale.parse(locale.replace("_", "-"), sep="-").get_display_name() or locale)
