"""Which tax a line bears. No engine for places of supply: the rules are the installation's own table.

Order (contract, section 2): the tax named by the charge, else by the plan, else by the account, else the one
of the customer's country. Then the reverse charge (Directive 2006/112/EC, articles 44 and 196): a line that
would be taxed, or that no rule was found for, bears 0 % in category AE where seller and customer are in
different EU countries and the customer's VAT id is valid; nowhere else, whatever the table says. A line that
a code makes exempt, zero-rated or out of scope stays so.

History: a code may have several rules, each in force on the days [valid_from, valid_to): `valid_to` is the first day
no longer taxed. Of those in force the one with the newest `valid_from` holds. So a new rate is a rule that begins
later, and one with both days is a passing rate, after which the older rule holds again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Protocol

_EU: Final = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU_COUNTRIES: Final = frozenset(_EU.split())
"""ISO 3166-1. Northern Ireland (XI) is in the EU for goods alone, so usage and services there are not."""


class TaxRule(Protocol):
    """What is read of a rule, be it of the catalogue or a stored row; in force on [valid_from, valid_to)."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def rate(self) -> Decimal: ...
    @property
    def category(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def valid_from(self) -> date | None: ...
    @property
    def valid_to(self) -> date | None: ...


@dataclass(frozen=True, slots=True)
class Tax:
    """What a line bears: `rate` in percent, `category` by EN 16931 (BT-151)."""

    code: str
    name: str
    rate: Decimal
    category: str


REVERSE_CHARGE: Final = Tax("reverse-charge", "Reverse charge", Decimal(0), "AE")
NOT_TAXED: Final = Tax("not-taxed", "Not subject to VAT", Decimal(0), "O")
"""Where no rule is found: category O, 0 %."""


def reverse_charge_applies(seller_country: str, customer_country: str, vat_id_valid: bool) -> bool:
    """Whether the customer owes the tax in the seller's place."""
    seller, customer = _iso(seller_country), _iso(customer_country)
    return vat_id_valid and seller != customer and EU_COUNTRIES.issuperset({seller, customer})


def choose_tax(
    *,
    line_tax: str | None,
    plan_tax: str | None,
    account_tax_code: str | None,
    account_country: str,
    seller_country: str,
    vat_id_valid: bool,
    rules: Iterable[TaxRule],
    on: date,
) -> Tax:
    """The tax of a line whose tax point is the day `on`. Codes without a rule in force then are passed over.

    Of a country's rules the standard rate holds: category S, the highest rate.
    """
    reverse = reverse_charge_applies(seller_country, account_country, vat_id_valid)
    usable = {rule.code: rule for rule in _held(rules, on) if reverse or rule.category != "AE"}
    named = (usable[code] for code in (line_tax, plan_tax, account_tax_code) if code in usable)
    of_country = (rule for rule in usable.values() if _iso(rule.country) == _iso(account_country))
    found = next(named, None) or _standard(of_country)
    if reverse and (found is None or found.category == "S"):
        return REVERSE_CHARGE
    return NOT_TAXED if found is None else Tax(found.code, found.name, found.rate, found.category)


def _iso(country: str) -> str:
    """ISO 3166 says GR; VAT ids of Greece, and with them some records, say EL."""
    return "GR" if country.upper() == "EL" else country.upper()


def _in_force(rule: TaxRule, on: date) -> bool:
    return (rule.valid_from or date.min) <= on and (rule.valid_to is None or on < rule.valid_to)


def _held(rules: Iterable[TaxRule], on: date) -> Iterable[TaxRule]:
    """The rule of each code that holds on the day `on`."""
    in_force = [rule for rule in rules if _in_force(rule, on)]
    oldest_first = sorted(in_force, key=lambda rule: rule.valid_from or date.min)
    return {rule.code: rule for rule in oldest_first}.values()


def _standard(rules: Iterable[TaxRule]) -> TaxRule | None:
    return min(rules, key=lambda rule: (rule.category != "S", -rule.rate, rule.code), default=None)
