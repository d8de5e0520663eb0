"""Charges, plans and usage for the tests of this folder, built through the catalogue's own door."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from billing.pricing.catalog import MeterDef
from billing.pricing.charges import Charge, Plan, Usage
from billing.pricing.parse import plan_from_data
from billing.pricing.rate import Span

START = datetime(2026, 2, 1, tzinfo=UTC)
MIDDLE = datetime(2026, 2, 15, tzinfo=UTC)
END = datetime(2026, 3, 1, tzinfo=UTC)

TIERS = [
    {"up_to": "10", "unit_price": "10", "flat_price": "2"},
    {"up_to": "20", "unit_price": "5", "flat_price": "3"},
    {"up_to": None, "unit_price": "1", "flat_price": "0"},
]
RATES = [{"up_to": "10", "rate": "1", "flat_price": "200"}, {"up_to": None, "rate": "3", "flat_price": "400"}]

MODELS = {
    "per_unit": {"model": "per_unit", "unit_price": "0.125"},
    "package": {"model": "package", "package_size": "10", "package_price": "7"},
    "graduated": {"model": "graduated", "tiers": TIERS},
    "volume": {"model": "volume", "tiers": TIERS},
    "percentage": {"model": "percentage", "rate": "1.3", "fixed_fee": "2", "included_amount": "15"},
    "graduated_percentage": {"model": "graduated_percentage", "tiers": RATES},
}
"""One charge of each model, as catalogue data."""


def meter(code="m", **keys) -> MeterDef:
    values = {
        "name": {"en": "Megabytes"},
        "unit": {"en": "MB"},
        "event_type": "transfer",
        "aggregation": "sum",
    }
    return MeterDef(code=code, **{"value": "size", **values, **keys})


def plan(*charges, version=1, **keys) -> Plan:
    """A plan of charges (catalogue data) on the meter m."""
    data = {"code": "team", "currency": "EUR", "interval": "month", **keys}
    data["charges"] = [{"meter": "m", **charge} for charge in charges]
    return plan_from_data(data, {"m": meter()}, version=version)


def charge(data) -> Charge:
    return plan(data).charges[0]


def used(quantity, *amounts) -> Usage:
    return Usage(Decimal(quantity), tuple(Decimal(amount) for amount in amounts))


def events(*amounts) -> Usage:
    return used(sum((Decimal(amount) for amount in amounts), Decimal(0)), *amounts)


def span(of, before, upto, *, start=START, end=END, share=Fraction(1), code="m") -> Span:
    """A span of a plan with one charge."""
    return Span(of, start, end, {code: before} if before else {}, {code: upto} if upto else {}, share)
