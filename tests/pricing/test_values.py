"""The catalogue's values: what a file leaves out is what they hold by default, and they go into sets."""

from decimal import Decimal

import pytest

from billing.pricing.catalog import Catalog, CouponDef, Footprint, MeterDef, TaxDef
from billing.pricing.charges import Charge, Plan, Tier
from billing.pricing.parse import parse_catalog
from billing.pricing.rate import rate
from tests.pricing.samples import plan, span, used

NAME, UNIT = {"und": "m"}, {"und": "unit"}
OF_METER = {"code": "m", "meter": "m", "aggregation": "count", "name": NAME, "unit": UNIT}


def read(**entries) -> Catalog:
    meter = {"code": "m", "event_type": "e", "aggregation": "count"}
    catalog, problems = parse_catalog({"catalog": 1, "meters": [meter], **entries})
    assert problems == []
    return catalog


def read_charge(**keys) -> Charge:
    plan = {"code": "p", "currency": "EUR", "interval": "month", "charges": [{"meter": "m", **keys}]}
    return read(plans=[plan]).plans[0].charges[0]


def test_a_meter():
    assert read().meters == (MeterDef(code="m", name=NAME, unit=UNIT, event_type="e", aggregation="count"),)
    footprint = {
        "code": "f",
        "event_type": "e",
        "aggregation": "count",
        "footprint": {"grams_co2e_per_unit": 2},
    }
    assert read(meters=[footprint]).meters[0].footprint == Footprint(Decimal(2))


def test_a_plan_a_tax_and_a_coupon():
    catalog = read(
        plans=[{"code": "p", "currency": "EUR", "interval": "month"}],
        taxes=[{"code": "t", "rate": "20", "country": "FR", "category": "S"}],
        coupons=[{"code": "P", "percent": "5"}, {"code": "A", "amount": "5", "currency": "EUR"}],
    )
    assert catalog.plans == (Plan(code="p", name={"und": "p"}, currency="EUR", interval="month"),)
    assert catalog.taxes == (TaxDef(code="t", name="t", rate=Decimal(20), country="FR", category="S"),)
    assert catalog.coupons == (
        CouponDef(code="P", percent=Decimal(5)),
        CouponDef(code="A", amount=Decimal(5), currency="EUR"),
    )


@pytest.mark.parametrize(
    ("keys", "values"),
    [
        ({"model": "per_unit", "unit_price": "2"}, {"unit_price": Decimal(2)}),
        (
            {"model": "package", "package_size": "5", "package_price": "2"},
            {"package_size": Decimal(5), "package_price": Decimal(2)},
        ),
        ({"model": "percentage", "rate": "3"}, {"rate": Decimal(3)}),
        (
            {"model": "graduated", "tiers": [{"up_to": 3, "flat_price": 1}, {"unit_price": 4}]},
            {"tiers": (Tier(Decimal(3), flat_price=Decimal(1)), Tier(None, Decimal(4)))},
        ),
        (
            {"model": "graduated_percentage", "tiers": [{"rate": 4}]},
            {"tiers": (Tier(None, rate=Decimal(4)),)},
        ),
    ],
    ids=["per_unit", "package", "percentage", "graduated", "graduated_percentage"],
)
def test_a_charge(keys, values):
    assert read_charge(**keys) == Charge(**OF_METER, model=keys["model"], **values)


def test_values_go_into_sets_though_their_texts_do_not():
    of = plan({"model": "per_unit", "unit_price": "2"})
    lines = rate([span(of, None, used(3))])
    assert {of, of.charges[0], *lines} == {of.charges[0], of, *lines}
    assert set(read().meters) == set(read().meters)
    charge = {"model": "per_unit", "unit_price": Decimal(2)}
    renamed = Charge(**{**OF_METER, "name": {"en": "M"}, "unit": {"en": "U"}}, **charge, where={"a": ("b",)})
    assert hash(renamed) == hash(Charge(**OF_METER, **charge))
