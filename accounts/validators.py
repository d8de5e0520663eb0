"""What an account's billing details may be. Each refusal says how to mend the value."""

import re
from functools import cache
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from stdnum import get_cc_module
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError as NumberError

from billing.pricing.money import is_currency

# ISO 3166-1 alpha-2, officially assigned.
COUNTRIES = frozenset(
    [
        "AD",
        "AE",
        "AF",
        "AG",
        "AI",
        "AL",
        "AM",
        "AO",
        "AQ",
        "AR",
        "AS",
        "AT",
        "AU",
        "AW",
        "AX",
        "AZ",
        "BA",
        "BB",
        "BD",
        "BE",
        "BF",
        "BG",
        "BH",
        "BI",
        "BJ",
        "BL",
        "BM",
        "BN",
        "BO",
        "BQ",
        "BR",
        "BS",
        "BT",
        "BV",
        "BW",
        "BY",
        "BZ",
        "CA",
        "CC",
        "CD",
        "CF",
        "CG",
        "CH",
        "CI",
        "CK",
        "CL",
        "CM",
        "CN",
        "CO",
        "CR",
        "CU",
        "CV",
        "CW",
        "CX",
        "CY",
        "CZ",
        "DE",
        "DJ",
        "DK",
        "DM",
        "DO",
        "DZ",
        "EC",
        "EE",
        "EG",
        "EH",
        "ER",
        "ES",
        "ET",
        "FI",
        "FJ",
        "FK",
        "FM",
        "FO",
        "FR",
        "GA",
        "GB",
        "GD",
        "GE",
        "GF",
        "GG",
        "GH",
        "GI",
        "GL",
        "GM",
        "GN",
        "GP",
        "GQ",
        "GR",
        "GS",
        "GT",
        "GU",
        "GW",
        "GY",
        "HK",
        "HM",
        "HN",
        "HR",
        "HT",
        "HU",
        "ID",
        "IE",
        "IL",
        "IM",
        "IN",
        "IO",
        "IQ",
        "IR",
        "IS",
        "IT",
        "JE",
        "JM",
        "JO",
        "JP",
        "KE",
        "KG",
        "KH",
        "KI",
        "KM",
        "KN",
        "KP",
        "KR",
        "KW",
        "KY",
        "KZ",
        "LA",
        "LB",
        "LC",
        "LI",
        "LK",
        "LR",
        "LS",
        "LT",
        "LU",
        "LV",
        "LY",
        "MA",
        "MC",
        "MD",
        "ME",
        "MF",
        "MG",
        "MH",
        "MK",
        "ML",
        "MM",
        "MN",
        "MO",
        "MP",
        "MQ",
        "MR",
        "MS",
        "MT",
        "MU",
        "MV",
        "MW",
        "MX",
        "MY",
        "MZ",
        "NA",
        "NC",
        "NE",
        "NF",
        "NG",
        "NI",
        "NL",
        "NO",
        "NP",
        "NR",
        "NU",
        "NZ",
        "OM",
        "PA",
        "PE",
        "PF",
        "PG",
        "PH",
        "PK",
        "PL",
        "PM",
        "PN",
        "PR",
        "PS",
        "PT",
        "PW",
        "PY",
        "QA",
        "RE",
        "RO",
        "RS",
        "RU",
        "RW",
        "SA",
        "SB",
        "SC",
        "SD",
        "SE",
        "SG",
        "SH",
        "SI",
        "SJ",
        "SK",
        "SL",
        "SM",
        "SN",
        "SO",
        "SR",
        "SS",
        "ST",
        "SV",
        "SX",
        "SY",
        "SZ",
        "TC",
        "TD",
        "TF",
        "TG",
        "TH",
        "TJ",
        "TK",
        "TL",
        "TM",
        "TN",
        "TO",
        "TR",
        "TT",
        "TV",
        "TW",
        "TZ",
        "UA",
        "UG",
        "UM",
        "US",
        "UY",
        "UZ",
        "VA",
        "VC",
        "VE",
        "VG",
        "VI",
        "VN",
        "VU",
        "WF",
        "WS",
        "YE",
        "YT",
        "ZA",
        "ZM",
        "ZW",
    ]
)
EU = frozenset(eu_vat.MEMBER_STATES)
_VAT_SHAPE = re.compile(r"[A-Z0-9+*]{2,30}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


def single_line(value: str) -> None:
    """Texts that go into mail headers and invoice boxes hold no line breaks or other control characters."""
    if _CONTROL.search(value):
        raise ValidationError(_("Remove line breaks and control characters."), code="invalid")


def currency(value: str) -> None:
    if not is_currency(value):
        raise ValidationError(_("Use a currency code of ISO 4217, such as EUR."), code="invalid")


def timezone(value: str) -> None:
    if value not in _timezones():
        raise ValidationError(_("Use an IANA time zone, such as Europe/Paris."), code="invalid")


def locale(value: str) -> None:
    try:
        Locale.parse(value, sep="-")
    except (ValueError, UnknownLocaleError, TypeError) as error:
        raise ValidationError(_("Use a language tag, such as en or fr-FR."), code="invalid") from error


def country(value: str) -> None:
    if value not in COUNTRIES:
        raise ValidationError(_("Use a two-letter country code of ISO 3166, such as FR."), code="invalid")


def compact_tax_id(value: str, country: str) -> str:
    """The VAT id without spaces and dots, in capitals; ValidationError if its shape or check digits are wrong.

    Its first letters say whose rules it follows, else the country's; in the EU the letters are part of the id, and a
    customer of one of its countries gives the id of that country. Whether it is registered is another question (VIES)
    and not asked here.
    """
    text = re.sub(r"[\s.-]", "", value).upper()
    if not text:
        return ""
    issuer = _issuer(text, country)
    if issuer != country and {issuer.lower(), country.lower()} <= EU:
        sentence = _(
            "This VAT id is one of %(issuer)s, the account is in %(country)s: give the id of the account's country."
        )
        raise ValidationError(sentence, code="invalid", params={"issuer": issuer, "country": country})
    try:
        if not _VAT_SHAPE.match(text):
            raise NumberError
        if issuer.lower() in EU:
            return str(eu_vat.validate(text))
        rules = get_cc_module(issuer, "vat")
        if rules:
            rules.validate(text)
        return text
    except NumberError as error:
        sentence = _("This is not a VAT id: check its country letters and digits, such as FR40303265045.")
        raise ValidationError(sentence, code="invalid") from error


def knows_rules_of(tax_id: str, country: str) -> bool:
    """Whether `compact_tax_id` held the id to rules; else it looked at its letters and digits only."""
    issuer = _issuer(tax_id, country)
    return issuer.lower() in EU or get_cc_module(issuer, "vat") is not None


def _issuer(text: str, country: str) -> str:
    """The country whose rules the id follows: that of its first letters (Greece: EL), else the customer's."""
    letters = "GR" if text[:2] == "EL" else text[:2]
    return letters if letters in COUNTRIES or letters == "XI" else country


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())
