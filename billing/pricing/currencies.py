"""The active currencies of ISO 4217 (list one as of 2026-01-01) and the digits of their minor units.

An own table, because CLDR and ISO disagree on 13 currencies and money is computed by ISO. Codes without a
minor unit ("N.A." in the list: metals, XDR, XSU, XUA, bond units) and the codes XTS and XXX cannot be billed
in, so they are absent.
"""

from typing import Final, TypeGuard

_DIGITS: Final[dict[int, str]] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD "
        "CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS "
        "GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD "
        "LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB "
        "PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
        "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW "
        "ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

MINOR_UNITS: Final[dict[str, int]] = {
    code: digits for digits, codes in _DIGITS.items() for code in codes.split()
}
"""Currency code -> digits after the point."""


class CurrencyError(ValueError):
    """A code that is no usable currency, or amounts of two currencies in one sum."""


def minor_units(currency: str) -> int:
    """Digits after the point of `currency` by ISO 4217: EUR 2, JPY 0, KWD 3. Raises `CurrencyError` if
    unknown.
    """
    try:
        return MINOR_UNITS[currency]
    except KeyError:
        raise CurrencyError(
            f"{currency!r} is not an active ISO 4217 currency that can be billed in"
        ) from None


def is_currency(code: object) -> TypeGuard[str]:
    """Whether `code` is an upper-case ISO 4217 code that money can be billed in (not XXX, XTS or a metal)."""
    return isinstance(code, str) and code in MINOR_UNITS
