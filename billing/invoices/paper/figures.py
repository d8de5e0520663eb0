"""Figures as the paper prints them: digits of money from ISO 4217, marks from CLDR, nothing through a float."""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.numbers import parse_pattern

from billing.pricing.money import PRECISION, minor_units, round_money

MINUS: Final = "\N{MINUS SIGN}"
ELLIPSIS: Final = "…"
MAX_PLACES: Final = 7
"""Decimals that a column shows; a longer figure is cut, which the dots say."""

ROOM: Final = 16
"""Digits that fit a column: a figure with many before the point shows fewer behind it."""


@lru_cache(maxsize=64)
def locale_of(tag: str) -> Locale:
    """CLDR's locale of an account; plain English is written the British way."""
    tag = {"en": "en-GB", "fr": "fr-FR"}.get(tag.lower(), tag)
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en-GB", sep="-")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in a column: its text and how many decimals it shows (dots count as one)."""

    text: str
    places: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Writes numbers for one document."""

    locale: Locale
    currency: str

    def money(self, amount: Decimal) -> str:
        """With the currency's sign: "€1,709.59", "1 709,59 €"."""
        return self._money(round_money(amount, self.currency), minor_units(self.currency))

    def money_short(self, amount: Decimal) -> str:
        """The same for axes, without empty decimals: "€50"."""
        return self._money(amount, places_of(amount) and minor_units(self.currency))

    def _money(self, amount: Decimal, digits: int) -> str:
        pattern = parse_pattern(self.locale.currency_formats["standard"].pattern)
        pattern.frac_prec = (digits, digits)
        with localcontext(prec=PRECISION):
            text: str = pattern.apply(
                amount, self.locale, currency=self.currency, currency_digits=False, decimal_quantization=False
            )
        return text.replace("-", MINUS)

    def amount(self, amount: Decimal) -> str:
        """The same without the sign: columns say the currency once."""
        return self.number(round_money(amount, self.currency), minor_units(self.currency))

    def number(self, value: Decimal, places: int | None = None) -> str:
        """`value` with the digits it has, or exactly `places` of them."""
        digits = places_of(value) if places is None else places
        pattern = parse_pattern("#,##0")
        pattern.frac_prec = (digits, digits)
        with localcontext(prec=PRECISION):
            text: str = pattern.apply(value, self.locale, decimal_quantization=False)
        return text.replace("-", MINUS)

    def figure(self, value: Decimal, least: int = 0) -> Figure:
        """`value` for a column, with at least `least` decimals; what does not fit is cut and ends in dots."""
        room = max(least, min(MAX_PLACES, ROOM - max(0, value.adjusted() + 1)))
        places = max(least, places_of(value))
        if places <= room:
            return Figure(self.number(value, places), places)
        kept = max(least, room - 1)
        with localcontext(prec=PRECISION):
            cut = value.scaleb(kept).to_integral_value("ROUND_DOWN").scaleb(-kept)
        sign = MINUS if value < 0 and not cut else ""
        return Figure(f"{sign}{self.number(cut, kept)}{ELLIPSIS}", kept + 1)

    def percent(self, rate: Decimal) -> str:
        """A rate in percent: "20%", "5,5 %"."""
        space = "\N{NO-BREAK SPACE}" if self.locale.language == "fr" else ""
        return f"{self.number(rate)}{space}%"


def places_of(value: Decimal) -> int:
    """Digits after the point without closing zeros."""
    exponent = value.normalize().as_tuple().exponent if value else 0
    return max(0, -exponent) if isinstance(exponent, int) else 0
