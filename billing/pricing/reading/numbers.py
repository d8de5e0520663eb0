"""Numbers of the catalogue: decimal strings, integers and Decimals in; exact Decimals within stated bounds
out.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from billing.pricing.money import ZERO, minor_units, plain

MAX_INTEGER_DIGITS: Final = 26
"""Digits before the point, of prices and of each event's value (contract, section 6)."""

MAX_QUANTITY_DIGITS: Final = 38
"""Digits before the point of a quantity: sums of events have more than each of them."""

MAX_PLACES: Final = 12
"""Digits after the point."""

MAX_RATE: Final = Decimal(1000)
"""Percent. Above 100 is legitimate (cost plus 20 % is a rate of 120); more than tenfold is a slip of the pen.
"""

_DECIMAL: Final = re.compile(r"-?[0-9]{1,60}(\.[0-9]{1,60})?", re.ASCII)


def number(value: object, digits: int = MAX_INTEGER_DIGITS) -> Decimal:
    """A finite decimal with at most `digits` before and 12 after the point, zeros at the ends not counted.

    Floats are refused: what they hold is not what was written. Files are read with their numbers as Decimals.
    """
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise ValueError('write a decimal number such as "12.50".')
        value = Decimal(value)
    elif isinstance(value, float):
        raise ValueError('floats are not exact: write the number in quotes, such as "12.50".')
    elif isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError('expected a number: write it as a decimal string such as "12.50".')
    return _within_digits(Decimal(value), digits)


def _within_digits(value: Decimal, digits: int) -> Decimal:
    if not value.is_finite():
        raise ValueError("write a finite number.")
    if not value:
        return ZERO
    if value.adjusted() >= digits:
        raise ValueError(f"too large: at most {digits} digits before the point.")
    if value.adjusted() < -MAX_PLACES:
        raise ValueError(f"too fine: at most {MAX_PLACES} digits after the point.")
    if _places(value) > MAX_PLACES:
        raise ValueError(f"too fine: at most {MAX_PLACES} digits after the point.")
    return Decimal(plain(value))


def _places(value: Decimal) -> int:
    """Digits after the point, without the zeros at the end."""
    return len(plain(value).partition(".")[2])


def quantity(value: object) -> Decimal:
    """A number as large as a sum over events may be."""
    return number(value, MAX_QUANTITY_DIGITS)


def price(value: object) -> Decimal:
    """A number that is not negative."""
    found = number(value)
    if found < ZERO:
        raise ValueError("must not be negative: write 0 or more.")
    return found


def positive(value: object) -> Decimal:
    """A number above zero."""
    found = number(value)
    if found <= ZERO:
        raise ValueError("must be more than 0.")
    return found


def percent(highest: Decimal, places: int = MAX_PLACES) -> Callable[[object], Decimal]:
    """Reads a percentage from 0 to `highest` with at most `places` digits after the point."""

    def read(value: object) -> Decimal:
        found = price(value)
        if found > highest:
            raise ValueError(f"must be a percentage of at most {plain(highest)}.")
        if _places(found) > places:
            raise ValueError(f"too fine: at most {places} digits after the point.")
        return found

    return read


def money(currency: str) -> Callable[[object], Decimal]:
    """Reads an amount of 0 or more with no more digits than `currency` has ("": any)."""

    def read(value: object) -> Decimal:
        found = price(value)
        digits = minor_units(currency) if currency else MAX_PLACES
        if _places(found) > digits:
            raise ValueError(f"{currency} has {digits} digits after the point: round the amount to them.")
        return found

    return read


def whole(lowest: int, highest: int) -> Callable[[object], int]:
    """Reads an integer from `lowest` to `highest`, written with or without quotes."""

    def read(value: object) -> int:
        found = number(value)
        if not lowest <= found <= highest or found != int(found):
            raise ValueError(f"write a whole number from {lowest} to {highest}.")
        return int(found)

    return read
