"""How a property of an event's data is read: as a quantity, as a dimension value, as a distinct value.

billing/usage/sql/functions.sql says the same in SQL; a test compares the two.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from billing.pricing.money import plain

MAX_BEFORE: Final = 26
"""Digits before the point (contract, section 6)."""

MAX_AFTER: Final = 12
"""Digits after the point."""

type Value = str | int | Decimal | bool | None

_DECIMAL: Final = re.compile(rf"-?[0-9]{{1,{MAX_BEFORE}}}(?:\.[0-9]{{1,{MAX_AFTER}}})?").fullmatch
_TOO_LARGE: Final = 10**MAX_BEFORE
_ONE: Final = Decimal(1)


def is_bounded(value: int | Decimal) -> bool:
    """Whether a JSON number has at most 26 digits before and 12 after the point."""
    if type(value) is int:
        return -_TOO_LARGE < value < _TOO_LARGE
    exponent = Decimal(value).as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -MAX_AFTER:
        return False
    return not value or Decimal(value).adjusted() < MAX_BEFORE


def number_of(value: object) -> Decimal | None:
    """The quantity that a property says, or None: a JSON number, or a decimal string in ASCII digits."""
    if type(value) is int:
        return Decimal(value)
    if type(value) is Decimal:
        return value
    return Decimal(value) if type(value) is str and _DECIMAL(value) else None


def text_of(value: object) -> str | None:
    """A dimension value: strings as they are, numbers plainly written, true and false; else None."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return plain(value) if isinstance(value, Decimal) else None


def distinct_of(value: object) -> Decimal | None:
    """Zero if the property can be told apart from others (`unique`), else None: it adds to no sum."""
    return Decimal(0) if value not in (None, "") and text_of(value) is not None else None


def one(value: object) -> Decimal:
    """What an event adds to a count."""
    return _ONE


READERS: Final[Mapping[str, Callable[[object], Decimal | None]]] = {
    "count": one,
    "sum": number_of,
    "max": number_of,
    "unique": distinct_of,
    "latest": number_of,
    "time_weighted": number_of,
}
"""By aggregation: what an event's property is worth to it; None: the meter skips the event."""
