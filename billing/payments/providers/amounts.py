"""Amounts as Stripe counts them, which is not always by ISO 4217.

Source: docs.stripe.com/currencies, "Zero-decimal currencies", "Three-decimal currencies" and "Special cases".
"""

from decimal import Decimal
from typing import Final

_NONE: Final = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_THREE: Final = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
"""In these the last digit must be zero. ISK and UGX have no decimals, and are counted as if they had two."""


def to_stripe(amount: Decimal, currency: str) -> int | None:
    """`amount` in Stripe's smallest unit; None if it cannot be said in it."""
    scaled = amount.scaleb(_digits(currency))
    whole = int(scaled)
    if whole != scaled or (currency in _THREE and whole % 10):
        return None
    return whole


def from_stripe(amount: int, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-_digits(currency))


def _digits(currency: str) -> int:
    if currency in _NONE:
        return 0
    return 3 if currency in _THREE else 2
