"""An account as the API takes and gives it. Optional texts that are not set are null."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from accounts.models import Account
from portal.api.fields import Text
from portal.api.serializers.base import Answer, Body

ADDRESS = ("line1", "line2", "postcode", "city")
OPTIONAL = ("tax_id", "tax_code", "legal_id", "purchase_order")


def _optional(length: int, help_text: str = "") -> Text:
    return Text(required=False, allow_null=True, allow_blank=True, max_length=length, help_text=help_text)


class AddressBody(Body):
    line1 = _optional(200)
    line2 = _optional(200)
    postcode = _optional(20)
    city = _optional(100)


class AccountBody(Body):
    code = Text(max_length=100, help_text="The subject of its events. Never changes.")
    name = Text(max_length=200)
    currency = Text(max_length=3, help_text="ISO 4217. Fixed by the first subscription.")
    timezone = Text(max_length=64, help_text="IANA name. A change holds from the next billing period.")
    locale = Text(max_length=10, help_text="Language of mails and invoices, such as en or fr-FR.")
    country = Text(max_length=2, help_text="ISO 3166-1 alpha-2.")
    email = Text(max_length=254, help_text="Where invoices are sent.")
    tax_id = _optional(40, "VAT id. Its shape and check digits are checked.")
    tax_code = _optional(100, "A tax of the catalogue. Needs an installation key.")
    address = AddressBody(required=False, allow_null=True)
    legal_id = _optional(50)
    purchase_order = _optional(100)


class AddressAnswer(Answer):
    line1 = serializers.CharField(allow_null=True)
    line2 = serializers.CharField(allow_null=True)
    postcode = serializers.CharField(allow_null=True)
    city = serializers.CharField(allow_null=True)


class AccountAnswer(Answer):
    code = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField()
    timezone = serializers.CharField()
    locale = serializers.CharField()
    country = serializers.CharField()
    email = serializers.CharField()
    tax_id = serializers.CharField(allow_null=True)
    tax_code = serializers.CharField(allow_null=True)
    address = AddressAnswer()
    legal_id = serializers.CharField(allow_null=True)
    purchase_order = serializers.CharField(allow_null=True)


def account_data(account: Account) -> dict[str, Any]:
    """The account as `AccountAnswer` describes it."""
    names = [name for name in map(str, AccountAnswer().fields) if name != "address"]
    found: dict[str, Any] = {name: getattr(account, name) or None for name in names}
    found["address"] = {name: getattr(account, name) or None for name in ADDRESS}
    return dict(AccountAnswer(found).data)


def model_values(body: Mapping[str, Any]) -> dict[str, str]:
    """The model's fields that a body sets; null takes an optional text away (RFC 7396)."""
    address = body.get("address", {})
    if address is None:
        address = dict.fromkeys(ADDRESS)
    given = {name: value for name, value in body.items() if name != "address"} | dict(address)
    return {name: value or "" for name, value in given.items()}
