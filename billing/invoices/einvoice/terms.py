"""The business terms of EN 16931 that our documents use, ready as text; BT and BG numbers are the standard's.

Amounts have the currency's digits, days are dates of the customer's zone, both ends of a span included.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Party:
    """BG-4 and BG-7. `identifier` is the seller's alone (BT-29), `legal_scheme` of ISO 6523, `lines` three at most."""

    name: str
    identifier: str
    legal_id: str
    legal_scheme: str
    vat_id: str
    email: str
    lines: tuple[str, ...]
    postcode: str
    city: str
    country: str


@dataclass(frozen=True, slots=True)
class Rate:
    """A VAT category and its rate in percent; "" in category O, which has none."""

    category: str
    percent: str


@dataclass(frozen=True, slots=True)
class Note:
    """BG-1. `code` says what it is about (UNTDID 4451)."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """BG-14 and BG-26."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Adjustment:
    """BG-20, or BG-21 if `charge`: what coupons take off the lines of one rate. Never negative."""

    charge: bool
    amount: str
    reason: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class VatRow:
    """BG-23: one for each category and rate."""

    rate: Rate
    taxable: str
    amount: str
    reason: str
    reason_code: str


@dataclass(frozen=True, slots=True)
class Payment:
    """BG-16 and BG-17."""

    means: str
    reference: str
    iban: str
    bic: str
    holder: str


@dataclass(frozen=True, slots=True)
class Measure:
    """`quantity` × `price` for `per` units; the price is never negative (BR-27), the quantity may be."""

    quantity: str
    unit: str
    price: str
    per: str


@dataclass(frozen=True, slots=True)
class Item:
    """BG-25."""

    position: str
    name: str
    seller_id: str
    measure: Measure
    amount: str
    rate: Rate
    span: Span
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sums:
    """BG-22, from the lines' sum (BT-106) to what is due (BT-115)."""

    lines: str
    allowances: str
    charges: str
    net: str
    vat: str
    gross: str
    prepaid: str
    due: str


@dataclass(frozen=True, slots=True)
class Preceding:
    """BG-3: a document that a credit note takes back."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Content:
    """A document. `is_credit_note`: type 381 in place of 380, `is_prepayment`: 386 (UNTDID 1001);
    `vat_due_on_issue`: VAT on debits (BT-8).

    `account` is the customer's code (BT-18). `deliver_to` is a country (BT-80): CII has a delivery that must not be
    empty, and intra-Community supplies must name it.
    """

    number: str
    is_credit_note: bool
    is_prepayment: bool
    issued_on: date
    due_on: date | None
    currency: str
    process: str
    vat_due_on_issue: bool
    purchase_order: str
    account: str
    notes: tuple[Note, ...]
    span: Span
    seller: Party
    buyer: Party
    deliver_to: str
    payment: Payment | None
    terms: str
    adjustments: tuple[Adjustment, ...]
    vat: tuple[VatRow, ...]
    sums: Sums
    preceding: tuple[Preceding, ...]
    items: tuple[Item, ...]

    @property
    def type_code(self) -> str:
        """BT-3."""
        return "381" if self.is_credit_note else "386" if self.is_prepayment else "380"
