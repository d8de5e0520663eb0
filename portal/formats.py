"""Numbers as people read them: money, unit prices, quantities, percents. Pure: Decimal and a locale in, text
out.

Digits of money come from ISO 4217, marks from CLDR by Babel. Nothing passes through a float and nothing is
rounded up to a limit. `locale` is a Django language ("fr", "en", "fr-ca"); None means the language in force.
"""

import re
from collections.abc import Mapping
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.numbers import NumberPattern, parse_pattern
from django.utils.translation import get_language, gettext, pgettext

from billing.pricing.charges import localized
from billing.pricing.money import PRECISION, minor_units, round_money, round_places

MINUS: Final = "\N{MINUS SIGN}"
NARROW: Final = "\N{NARROW NO-BREAK SPACE}"
NBSP: Final = "\N{NO-BREAK SPACE}"
DASH: Final = "\N{EN DASH}"
MILLION: Final = Decimal(1_000_000)
# A price below a hundredth of the currency is read per million units.
SMALL_PRICE: Final = Decimal("0.01")
# At most this many digits of a unit price are shown; the contract stores 12 behind the point.
UNIT_PRICE_DIGITS: Final = 12
_LETTERS_THEN_DIGIT: Final = re.compile(r"(?<=[A-Z])(?=[0-9])")
# Units in small letters that take no ending.
_SYMBOLS: Final = frozenset({"min", "sec", "req", "mol"})


@lru_cache(maxsize=64)
def babel_locale(language: str) -> Locale:
    """CLDR's locale for a Django language; plain English is written the British way (21 Nov 2026,
    €1,234.50)."""
    tag = {"en": "en-GB", "fr": "fr-FR"}.get(language.lower(), language)
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en-GB", sep="-")


def current(locale: str | None = None) -> Locale:
    return babel_locale(locale or get_language() or "en")


def money(amount: Decimal, currency: str, locale: str | None = None) -> str:
    """`amount` in whole minor units: "€1,234.50", "1 234,50 €", "JP¥1,235", "−€1.84"."""
    return _currency(round_money(amount, currency), currency, minor_units(currency), current(locale))


def money_signed(amount: Decimal, currency: str, locale: str | None = None) -> str:
    """A difference: with a plus sign when it is above zero."""
    text = money(amount, currency, locale)
    return f"+{text}" if round_money(amount, currency) > 0 else text


def money_short(amount: Decimal, currency: str, locale: str | None = None) -> str:
    """`amount` without empty decimals, for axes and ticks: "€500", "€12.50"."""
    rounded = round_money(amount, currency)
    digits = 0 if rounded == rounded.to_integral_value() else minor_units(currency)
    return _currency(rounded, currency, digits, current(locale))


def money_range(low: Decimal, high: Decimal, currency: str, locale: str | None = None) -> str:
    """Two whole amounts: "€600–€650", "600 à 650 €"."""
    return pgettext("range of amounts", "%(low)s–%(high)s") % {
        "low": money_short(low, currency, locale),
        "high": money_short(high, currency, locale),
    }


def money_exact(amount: Decimal, currency: str, places: int | None = None, locale: str | None = None) -> str:
    """An unrounded amount, its decimals in groups of three: "€0.000 010". `places` pads a column to one
    width."""
    digits = max(minor_units(currency), places if places is not None else _places(amount))
    return _currency(round_places(amount, digits), currency, digits, current(locale))


def unit_price(amount: Decimal, currency: str, locale: str | None = None) -> str:
    """A price of one unit, up to 12 significant digits: "€0.12", "€0.000 002 5"."""
    if not amount:
        return money(amount, currency, locale)
    places = min(_places(amount), max(0, UNIT_PRICE_DIGITS - amount.adjusted() - 1))
    return money_exact(amount, currency, places, locale)


def price_per(amount: Decimal, currency: str, unit: str, locale: str | None = None) -> str:
    """A unit price with its unit; tiny ones per million: "€2.50 per million tokens", "€0.12 per GB-month"."""
    if amount and abs(amount) < SMALL_PRICE:
        return gettext("%(price)s per million %(unit)s") % {
            "price": unit_price(amount.scaleb(6), currency, locale),
            "unit": plural(unit, MILLION, locale),
        }
    return gettext("%(price)s per %(unit)s") % {"price": unit_price(amount, currency, locale), "unit": unit}


def number(value: Decimal | int, places: int | None = None, locale: str | None = None) -> str:
    """A plain number with the digits it has, or exactly `places`: "24,446,872", "402.031"."""
    amount = Decimal(value)
    digits = _places(amount) if places is None else places
    with localcontext(prec=PRECISION):
        pattern = parse_pattern("#,##0")
        pattern.frac_prec = (digits, digits)
        text = pattern.apply(round_places(amount, digits), current(locale), decimal_quantization=False)
    return _signs(text)


def quantity(value: Decimal, locale: str | None = None) -> str:
    """A used quantity: all digits of whole numbers, three decimals of others; from a thousand million, in
    millions."""
    if abs(value) >= 1000 * MILLION:
        return gettext("%(number)s million") % {"number": number(round_places(value / MILLION, 3), 3, locale)}
    if value == value.to_integral_value():
        return number(value, 0, locale)
    return number(round_places(value, 3), 3, locale)


def axis_number(value: Decimal, locale: str | None = None) -> str:
    """A round number on an axis, where there is little room: "4 M", "250 k"."""
    for size, mark in ((9, "G"), (6, "M"), (3, "k")):
        if abs(value) >= Decimal(1).scaleb(size):
            return f"{number(value.scaleb(-size), None, locale)}{NBSP}{mark}"
    return number(value, None, locale)


def percent(share: Decimal, places: int = 1, locale: str | None = None) -> str:
    """`share` of one as a percent. 0.996 is "99.6 %" and 0.99999 is "99.9 %": only a whole is shown as 100
    %."""
    with localcontext(prec=PRECISION):
        value = round_places(share * 100, places)
        step = Decimal(1).scaleb(-places)
        if share < 1 <= value / 100:
            value = 100 - step
    digits = 0 if value == value.to_integral_value() else places
    return f"{number(value, digits, locale)}{percent_space(locale)}%"


def percent_fixed(share: Decimal, places: int = 2, locale: str | None = None) -> str:
    """A percent with equal decimals, for a column."""
    with localcontext(prec=PRECISION):
        value = round_places(share * 100, places)
    return f"{number(value, places, locale)}{percent_space(locale)}%"


def percent_change(now: Decimal, before: Decimal, locale: str | None = None) -> str:
    """Growth in whole percents with its sign: "+94 %", "−3 %"; "new" where there was nothing before."""
    if before <= 0:
        return pgettext("compared with nothing before", "new") if now > 0 else DASH
    with localcontext(prec=PRECISION):
        value = round_places((now - before) / before * 100, 0)
    sign = "+" if value > 0 else ""
    return f"{sign}{number(value, 0, locale)}{percent_space(locale)}%"


def percent_space(locale: str | None = None) -> str:
    """French sets a no-break space before %, the others a narrow one."""
    return NBSP if current(locale).language == "fr" else NARROW


def text_of(texts: Mapping[str, str] | str, locale: str | None = None) -> str:
    """A name from the catalogue in the language of the reader."""
    return texts if isinstance(texts, str) else localized(texts, locale or get_language() or "en")


def plural(unit: str, amount: Decimal, locale: str | None = None) -> str:
    """The unit for an amount: catalogue units are in the singular. Words get their ending; symbols (kWh, GB)
    do not.

    Only the last part of a compound changes ("GB-month", "GB-months"), and what ends in s, x or z stays.
    """
    language = current(locale).language
    many = abs(amount) >= 2 if language == "fr" else abs(amount) != 1
    last = unit.rpartition("-")[2].rpartition(" ")[2]
    word = len(last) > 2 and last.isalpha() and last.islower() and last not in _SYMBOLS
    if not many or not word or last[-1] in "sxz":
        return unit
    if language == "fr":
        return (
            f"{unit[:-2]}aux"
            if last.endswith("al")
            else f"{unit}{'x' if last.endswith(('au', 'eu')) else 's'}"
        )
    if language != "en":
        return unit
    return f"{unit[:-1]}ies" if last[-1] == "y" and last[-2] not in "aeiou" else f"{unit}s"


def interval_words(interval: str) -> str:
    """ "a month", as it follows a price."""
    words = {
        "week": gettext("a week"),
        "month": gettext("a month"),
        "quarter": gettext("a quarter"),
        "year": gettext("a year"),
    }
    return words[interval].replace(" ", NBSP)


def _places(amount: Decimal) -> int:
    """Digits after the point without closing zeros."""
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _currency(amount: Decimal, currency: str, digits: int, locale: Locale) -> str:
    pattern = _currency_pattern(locale)
    pattern.frac_prec = (digits, digits)
    with localcontext(prec=PRECISION):
        text = pattern.apply(
            amount, locale, currency=currency, currency_digits=False, decimal_quantization=False
        )
    return _grouped(_signs(text), digits, locale)


def _currency_pattern(locale: Locale) -> NumberPattern:
    """A pattern of one's own: Babel's are shared and this one's digits are set."""
    return parse_pattern(locale.currency_formats["standard"].pattern)


def _signs(text: str) -> str:
    """A true minus, and a space between a currency's letters and its digits, which Babel leaves out (CLDR)."""
    return _LETTERS_THEN_DIGIT.sub(NBSP, text.replace("-", MINUS))


def _grouped(text: str, digits: int, locale: Locale) -> str:
    """More than four decimals in groups of three, so that zeros can be counted."""
    if digits <= 4:
        return text
    point = str(locale.number_symbols["latn"]["decimal"])
    head, _, rest = text.partition(point)
    decimals, tail = rest[:digits], rest[digits:]
    groups = [decimals[at : at + 3] for at in range(0, digits, 3)]
    return f"{head}{point}{NARROW.join(groups)}{tail}"
