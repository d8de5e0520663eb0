"""Words of the catalogue: codes, names in languages, choices, flags, days."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from billing.pricing.charges import UNDETERMINED
from billing.pricing.money import is_currency
from billing.pricing.reading.fields import suggestion

MAX_NAME: Final = 200
"""Characters of a name or a unit."""

MAX_PROPERTY: Final = 100
"""Characters of the name of a property."""

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}", re.ASCII)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}", re.ASCII)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_UNIT_CODE: Final = re.compile(r"[A-Z0-9]{2,3}", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_BIDI: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Embeddings, overrides and isolates: they can turn the order of amounts on a page or in a PDF."""


def shown(value: object) -> str:
    """`value` for a message: clipped, and without its content if it is a list or a mapping."""
    return f"{value!r:.60}" if isinstance(value, str | int | float | Decimal) else "a list or a mapping"


def text(value: object, limit: int = MAX_NAME) -> str:
    """One line of 1 to `limit` visible characters, without control or bidirectional override characters."""
    if not isinstance(value, str):
        raise ValueError(f"expected text, not {shown(value)}: write text in quotes.")
    if not value.strip():
        raise ValueError("must not be empty.")
    if len(value) > limit:
        raise ValueError(f"too long: at most {limit} characters.")
    for character in value:
        if character in _BIDI or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
            raise ValueError(f"remove the character U+{ord(character):04X}: it cannot be shown safely.")
    return value


def prop(value: object) -> str:
    """The name of a property of an event's data: at most 100 characters (contract, section 6)."""
    return text(value, MAX_PROPERTY)


def texts(value: object) -> dict[str, str]:
    """Language tag -> text. A plain string has the language "und" (undetermined)."""
    if not isinstance(value, Mapping):
        return {UNDETERMINED: text(value)}
    if not value:
        raise ValueError("must not be empty: write a text, or one for each language.")
    for language in value:
        if not (isinstance(language, str) and _LANGUAGE.fullmatch(language)):
            raise ValueError(f"{shown(language)} is no language tag: write one such as en or fr.")
    return {language: text(value[language]) for language in value}


def matching(pattern: re.Pattern[str], advice: str) -> Callable[[object], str]:
    """Reads text that `pattern` matches as a whole; `advice` says what it should look like."""

    def read(value: object) -> str:
        if not (isinstance(value, str) and pattern.fullmatch(value)):
            raise ValueError(advice)
        return value

    return read


code = matching(
    _CODE, "write a code of 1 to 100 letters, digits and . _ : - that begins with a letter or digit."
)
country = matching(_COUNTRY, "write a country as two capital letters (ISO 3166-1), such as FR.")
unit_code = matching(_UNIT_CODE, "write a unit code of UN/ECE Recommendation 20, such as C62 or KWH.")


def currency(value: object) -> str:
    """An ISO 4217 code that money can be billed in."""
    if not is_currency(value):
        raise ValueError("write an active ISO 4217 currency code, such as EUR.")
    return value


def choice[T: str](options: tuple[T, ...]) -> Callable[[object], T]:
    """Reads one of `options`."""

    def read(value: object) -> T:
        for option in options:
            if value == option:
                return option
        hint = suggestion(value, options) if isinstance(value, str) else ""
        raise ValueError(f"write one of {', '.join(options)}.{hint}")

    return read


def flag(value: object) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError("write true or false.")
    return value


def day(value: object) -> date:
    """A calendar day, YYYY-MM-DD."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("write a day of the calendar as YYYY-MM-DD.")
