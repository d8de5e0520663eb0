"""The catalogue as values: what a catalogue file (contract, section 2) says once it has been read and found
good.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, Literal, get_args

from billing.pricing.charges import Aggregation, Plan

TaxCategory = Literal["S", "Z", "E", "AE", "K", "G", "O"]
"""EN 16931, BT-151: standard, zero, exempt, reverse charge, intra-community, export, outside the scope of
VAT.
"""

TAX_CATEGORIES: Final[tuple[TaxCategory, ...]] = get_args(TaxCategory)


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one unit of a meter emits, in grams of CO2 equivalent, and who says so."""

    grams_co2e_per_unit: Decimal
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterDef:
    """What is measured: which events (`event_type`), which property of their data (`value`; None for
    `count`), how they are aggregated, and which properties are kept for filters and grouping. `unit_code`
    is UN/ECE Rec 20.
    """

    code: str
    name: Mapping[str, str] = field(hash=False)
    unit: Mapping[str, str] = field(hash=False)
    unit_code: str = "C62"
    event_type: str
    aggregation: Aggregation
    value: str | None = None
    dimensions: tuple[str, ...] = ()
    footprint: Footprint | None = None
    archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxDef:
    """An entry of a tax: `rate` in percent, `country` ISO 3166-1 alpha-2; in force on the days [valid_from, valid_to),
    open if None. A code may have several: which one holds is in `billing.pricing.taxes`.
    """

    code: str
    name: str
    rate: Decimal
    country: str
    category: TaxCategory
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponDef:
    """A discount: either `percent`, or `amount` in `currency`. `periods`: how many service periods it covers;
    None: all.
    """

    code: str
    percent: Decimal | None = None
    amount: Decimal | None = None
    currency: str | None = None
    periods: int | None = None
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """All of a catalogue file, in its order."""

    meters: tuple[MeterDef, ...] = ()
    plans: tuple[Plan, ...] = ()
    taxes: tuple[TaxDef, ...] = ()
    coupons: tuple[CouponDef, ...] = ()
