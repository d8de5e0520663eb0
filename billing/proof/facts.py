"""What a proof says besides its events: the document, and all that its lines follow from. Amounts as they are owed, so
that a credit note's have the signs of its sums turned back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from billing.pricing.clamp import LimitVersion
from billing.pricing.discounts import Coupon
from billing.pricing.taxes import Tax
from billing.proof.sums import Key, Sum, key_of
from billing.proof.tally import Stretch

type Version = tuple[str, int]
"""A plan version: the plan's code and the number."""

type Kept = Literal["all", "purged", "corrected"]
"""Whether a period's events are in the proof: if not, they are past their term, or one was corrected since."""

NO_VERSION: Version = ("", 0)


@dataclass(frozen=True, slots=True)
class Days:
    """Days [first_day, end_day) at a version's base price; `back`: given back."""

    version: Version
    first_day: date
    end_day: date
    full_days: int
    back: bool = False


@dataclass(frozen=True, slots=True)
class PeriodFacts:
    """A service period that is priced. `base` and `changes` count for a minimum spend; `limits` are by meter, None: the
    account's; `continues` is the key of the period whose limits run on in this one.
    """

    key: str
    start: datetime
    end: datetime
    full_start: datetime
    full_end: datetime
    timezone: str
    stretches: tuple[Stretch, ...]
    base: Days | None
    changes: tuple[Days, ...]
    limits: Mapping[str | None, Sequence[LimitVersion]]
    continues: str | None
    events: Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFacts:
    """A line of a document with what it belongs to. `sign` is -1 on a credit note; `amount`, `exact_amount` and
    `quantity` have it already. `found` is the tax as it would be on a document of its own, `asked` the code it was
    asked by; `change` whether the line changes a base price that an earlier document charged. `shown` is the line as
    the API shows it.
    """

    place: int
    kind: str
    corrects: str
    charge: str | None
    meter: str | None
    period: str | None
    version: Version
    start: datetime
    amount: Decimal
    exact_amount: Decimal
    quantity: Decimal
    tax: Tax
    found: Tax
    asked: str | None
    change: bool = False
    days: Days | None = None
    sign: int = 1
    shown: Mapping[str, Any]

    @property
    def key(self) -> Key:
        return key_of(
            self.corrects,
            self.charge,
            self.meter,
            self.version,
            category=self.found.category,
            rate=self.found.rate,
        )

    @property
    def sum(self) -> Sum:
        return Sum(self.amount, self.exact_amount, self.quantity)


@dataclass(frozen=True, slots=True)
class TaxFacts:
    """A tax of the foot: category, percent, what it is on and what it comes to, both as they are owed."""

    category: str
    rate: Decimal
    taxable: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The issued document: amounts as they are owed."""

    number: str
    credit_note: bool
    currency: str
    lines: tuple[LineFacts, ...]
    discounts: Mapping[str, Decimal]
    taxes: tuple[TaxFacts, ...]
    subtotal: Decimal
    tax_total: Decimal
    total: Decimal
    credits_applied: Decimal
    amount_due: Decimal

    @property
    def sign(self) -> int:
        return -1 if self.credit_note else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A document, the periods that it prices, and the lines of earlier documents that it goes on from.

    `closes` is the period whose usage it invoices first; of other periods it corrects what was invoiced (late usage).
    `shares`: its discounts and taxes are a part of those of another document (a credit note by hand), or what lies in a
    sum that was received (a prepayment).
    """

    document: Document
    priced_at: datetime
    closes: str | None
    periods: Mapping[str, PeriodFacts]
    earlier: tuple[LineFacts, ...]
    coupons: tuple[Coupon, ...]
    base_prices: Mapping[Version, Decimal]
    minimum_spends: Mapping[Version, Decimal]
    shares: bool = False
