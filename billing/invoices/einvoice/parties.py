"""Seller and buyer in the terms of EN 16931."""

import re
from collections.abc import Collection, Mapping
from email.utils import parseaddr
from typing import Any, Final

from billing.invoices.einvoice.terms import Party

SIREN: Final = "0002"
SIRET: Final = "0009"
_FRENCH: Final = {9: SIREN, 14: SIRET}
"""ISO 6523 schemes by the number of digits."""

_TOWN: Final = re.compile(r"(\d{4,6}) +(\S.*)")
"""The last line of a seller's address, where it names the town as most of Europe does."""

MOST_LINES: Final = 3


def seller_of(snapshot: Mapping[str, Any], categories: Collection[str]) -> Party:
    """BG-4. A seller without any number is known by the address of his site (BR-CO-26)."""
    seller = snapshot["seller"]
    *lines, last = seller["address"] or [""]
    town = _TOWN.fullmatch(last)
    vat_id = vat_id_of(seller["vat_id"], seller["country"], categories)
    legal_id, scheme = legal_id_of(seller)
    return Party(
        name=seller["name"],
        identifier="" if vat_id or legal_id else snapshot["site_url"].partition("://")[2],
        legal_id=legal_id,
        legal_scheme=scheme,
        vat_id=vat_id,
        email=parseaddr(seller["email"])[1],
        lines=_three(lines if town else [*lines, last]),
        postcode=town[1] if town else "",
        city=town[2] if town else "",
        country=seller["country"],
    )


def buyer_of(snapshot: Mapping[str, Any], categories: Collection[str]) -> Party:
    """BG-7."""
    buyer = snapshot["buyer"]
    legal_id, scheme = legal_id_of(buyer)
    return Party(
        name=buyer["name"],
        identifier="",
        legal_id=legal_id,
        legal_scheme=scheme,
        vat_id=vat_id_of(buyer["tax_id"], buyer["country"], categories),
        email=buyer["email"],
        lines=_three([buyer["line1"], buyer["line2"]]),
        postcode=buyer["postcode"],
        city=buyer["city"],
        country=buyer["country"],
    )


def vat_id_of(value: str, country: str, categories: Collection[str]) -> str:
    """With the letters of its country (BR-CO-09); none on what is outside the scope of VAT (BR-O-02)."""
    text = re.sub(r"[\s.-]", "", value).upper()
    if not text or "O" in categories:
        return ""
    return text if text[:2].isalpha() else country + text


def legal_id_of(party: Mapping[str, Any]) -> tuple[str, str]:
    """The company number and its scheme, where the country's numbers tell it."""
    text = party["legal_id"]
    digits = re.sub(r"\s", "", text)
    scheme = _FRENCH.get(len(digits), "") if party["country"] == "FR" and digits.isdecimal() else ""
    return (digits, scheme) if scheme else (text, "")


def _three(lines: list[str]) -> tuple[str, ...]:
    """The standard has three lines: what is more stands in the third."""
    found = [line for line in lines if line]
    head, rest = found[: MOST_LINES - 1], found[MOST_LINES - 1 :]
    return (*head, ", ".join(rest)) if rest else tuple(head)
