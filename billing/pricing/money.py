"""Money and decimals: exact arithmetic, one rounding, one way to write a number.

Contract, section 3: exact decimals throughout; rounding happens once, half up (away from zero), to the
currency's ISO 4217 minor unit. The default decimal context (28 digits, half even) is never used: it would
lose digits silently.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
)
from fractions import Fraction
from typing import Final, Self

from billing.pricing.currencies import CurrencyError, is_currency, minor_units

__all__ = [
    "PRECISION",
    "ZERO",
    "CurrencyError",
    "Money",
    "exact",
    "is_currency",
    "minor_units",
    "money_string",
    "plain",
    "quantum",
    "round_fraction",
    "round_fraction_places",
    "round_money",
    "round_places",
]

PRECISION: Final = 250
"""Digits of every calculation. A 38-digit quantity times a 38-digit price has 76; sums over events add a few.
"""

ZERO: Final = Decimal(0)
_ROUNDING: Final = Context(PRECISION, ROUND_HALF_UP)
_EXACT: Final = Context(PRECISION, ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow, Inexact])


@contextmanager
def exact() -> Iterator[None]:
    """A decimal context in which nothing is ever rounded: `decimal.Inexact` is raised instead.

    Works as `with exact():` and as the decorator `@exact()`. Divide by powers of ten with `scaleb`, never
    with `/`.
    """
    with localcontext(_EXACT):
        yield


def round_places(amount: Decimal, places: int) -> Decimal:
    """`amount` to `places` digits after the point, half up (away from zero); never minus zero."""
    rounded = amount.quantize(ZERO.scaleb(-places), context=_ROUNDING)
    return rounded if rounded else rounded.copy_abs()


def quantum(currency: str) -> Decimal:
    """The smallest amount of `currency`: Decimal("0.01") for EUR, Decimal("1") for JPY."""
    return Decimal((0, (1,), -minor_units(currency)))


def round_money(amount: Decimal, currency: str) -> Decimal:
    """`amount` in whole minor units of `currency`, half up (away from zero): 0.005 EUR is 0.01, -0.005 is
    -0.01.
    """
    return round_places(amount, minor_units(currency))


def round_fraction(amount: Fraction, currency: str) -> Decimal:
    """An exact ratio (a prorated price) in whole minor units of `currency`, half up (away from zero)."""
    return round_fraction_places(amount, minor_units(currency))


def round_fraction_places(amount: Fraction, places: int) -> Decimal:
    """An exact ratio to `places` digits after the point, half up (away from zero)."""
    units = (abs(amount) * 10**places * 2 + 1) // 2
    return Decimal(units if amount >= 0 else -units).scaleb(-places, context=_EXACT)


def plain(value: Decimal) -> str:
    """`value` as a decimal string: no exponent, no zeros after the last digit behind the point, never "-0".

    Raises ValueError for NaN and infinities, which are no numbers to show or store.
    """
    if not value.is_finite():
        raise ValueError(f"{value} is not a finite number")
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def money_string(amount: Decimal, currency: str) -> str:
    """`amount` rounded and written with all digits of `currency`: "66.77" EUR, "67" JPY."""
    return str(round_money(amount, currency))


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of one currency, rounded when asked. Mixing currencies raises `CurrencyError`."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        minor_units(self.currency)
        if not self.amount.is_finite():
            raise ValueError(f"{self.amount} is not an amount of money")

    def __add__(self, other: Self) -> Self:
        self._same_currency(other)
        return type(self)(_EXACT.add(self.amount, other.amount), self.currency)

    def __sub__(self, other: Self) -> Self:
        self._same_currency(other)
        return type(self)(_EXACT.subtract(self.amount, other.amount), self.currency)

    def __neg__(self) -> Self:
        return type(self)(_EXACT.minus(self.amount), self.currency)

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.currency}"

    def rounded(self) -> Self:
        """The same in whole minor units, half up."""
        return type(self)(round_money(self.amount, self.currency), self.currency)

    @classmethod
    def sum(cls, items: Iterable[Self], currency: str) -> Self:
        """The total of `items`, all in `currency`; nothing is zero of it."""
        total = cls(ZERO, currency)
        for item in items:
            total += item
        return total

    def _same_currency(self, other: Self) -> None:
        if self.currency != other.currency:
            raise CurrencyError(f"cannot add {other.currency} to {self.currency}: convert it first")
