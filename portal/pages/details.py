"""The form of an account's billing details, held to the very rules of the API (accounts/models.py)."""

from collections.abc import Mapping
from copy import copy
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account
from accounts.validators import EU, compact_tax_id, knows_rules_of
from portal.places import countries

# What a browser may fill in: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#autofill
_AUTOFILL: Final = {
    "name": "organization",
    "line1": "billing address-line1",
    "line2": "billing address-line2",
    "postcode": "billing postal-code",
    "city": "billing address-level2",
    "country": "billing country",
    "email": "email",
}


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """Some fields of an account. What is typed goes to a copy, so that a refused value stands nowhere but here."""

    def __init__(self, account: Account, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, instance=copy(account), auto_id="f-%s", label_suffix="")
        self.account = account

    def changes(self) -> dict[str, str]:
        """The fields that are other than the account's, of a valid form."""
        return {
            name: getattr(self.instance, name)
            for name in self.fields
            if getattr(self.instance, name) != getattr(self.account, name)
        }


class DetailsForm(AccountForm):
    country = forms.ChoiceField(
        label=gettext_lazy("Country"),
        choices=countries,
        help_text=gettext_lazy("With the VAT id it decides the tax of your next invoice."),
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), gettext_lazy("Choose a country of the list")
        ),
    )

    class Meta:
        model = Account
        fields = (
            "name",
            "line1",
            "line2",
            "postcode",
            "city",
            "country",
            "tax_id",
            "legal_id",
            "email",
            "purchase_order",
        )
        labels: ClassVar = {
            "line2": gettext_lazy("Address, second line, if there is one"),
            "tax_id": gettext_lazy("VAT id, if you have one"),
            "legal_id": gettext_lazy("Company number, if you have one"),
            "email": gettext_lazy("Invoices go to"),
            "purchase_order": gettext_lazy("Your reference, if you need one"),
        }
        help_texts: ClassVar = {
            "tax_id": gettext_lazy("With its country letters, such as FR40303265045."),
            "email": gettext_lazy("A mail address: each invoice is sent there with its PDF."),
            "purchase_order": gettext_lazy("Such as an order number: it stands on each invoice."),
        }
        error_messages: ClassVar = {
            "name": {"required": gettext_lazy("Enter the name that stands on your invoices")},
            "email": {
                "required": gettext_lazy("Enter the mail address that invoices go to"),
                "invalid": gettext_lazy("Enter a mail address, such as billing@example.com"),
            },
        }

    def __init__(self, account: Account, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(account, data)
        for name, words in _AUTOFILL.items():
            self.fields[name].widget.attrs["autocomplete"] = words


def checked(account: Account) -> str:
    """What was looked at of the account's VAT id, and what was not; nothing without an id."""
    if not account.tax_id:
        return ""
    try:
        compact_tax_id(account.tax_id, account.country)
    except ValidationError:
        return _("It is not well formed: please correct it.")
    if not knows_rules_of(account.tax_id, account.country):
        return _("Not checked: we know no rules for ids of this country.")
    if account.country.lower() in EU:
        return _("Well formed. Whether it is registered was not looked up at VIES.")
    return _("Well formed. Whether it is registered was not looked up.")
