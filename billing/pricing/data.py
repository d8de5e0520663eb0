"""Values back to catalogue data: canonical JSON for storing, for comparing versions and for the API.

Decimals are plain strings; keys that the model does not use, and limits that are not set, are left out.
Reading what was written gives an equal value.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from billing.pricing.catalog import Catalog, CouponDef, MeterDef, TaxDef
from billing.pricing.charges import UNDETERMINED, Charge, Plan, Tier
from billing.pricing.money import money_string, plain

type Data = dict[str, object]

_ALWAYS: Final = {
    "per_unit": ("unit_price",),
    "package": ("package_size", "package_price"),
    "graduated": (),
    "volume": (),
    "percentage": (
        "rate",
        "fixed_fee",
        "included_events",
        "included_amount",
        "minimum_per_event",
        "maximum_per_event",
    ),
    "graduated_percentage": (),
}


def texts_to_data(texts: Mapping[str, str]) -> str | dict[str, str]:
    """Texts as they were written: a plain string if they have no language."""
    return texts[UNDETERMINED] if texts.keys() == {UNDETERMINED} else dict(texts)


def charge_to_data(charge: Charge, meter: MeterDef | None = None) -> Data:
    """The charge as the catalogue file says it. Its name is left out where it is just that of `meter`."""
    data: Data = {"code": charge.code, "meter": charge.meter}
    if meter is None or charge.name != meter.name:
        data["name"] = texts_to_data(charge.name)
    if charge.where:
        data["where"] = {key: list(values) for key, values in charge.where.items()}
    data["model"] = charge.model
    for key in (*_ALWAYS[charge.model], "included", "minimum_amount", "maximum_amount"):
        value = getattr(charge, key)
        if value is not None:
            data[key] = plain(value) if isinstance(value, Decimal) else value
    if charge.tiers:
        data["tiers"] = [_tier_to_data(charge, tier) for tier in charge.tiers]
    if charge.tax is not None:
        data["tax"] = charge.tax
    return data


def _tier_to_data(charge: Charge, tier: Tier) -> Data:
    key, value = (
        ("rate", tier.rate) if charge.model == "graduated_percentage" else ("unit_price", tier.unit_price)
    )
    return {
        "up_to": None if tier.up_to is None else plain(tier.up_to),
        key: plain(value),
        "flat_price": plain(tier.flat_price),
    }


def plan_to_data(plan: Plan, meters: Mapping[str, MeterDef] | None = None) -> Data:
    """The plan as the catalogue file says it, without its version number, which no file has."""
    return {
        "code": plan.code,
        "name": texts_to_data(plan.name),
        "currency": plan.currency,
        "interval": plan.interval,
        "base_price": money_string(plan.base_price, plan.currency),
        "minimum_spend": money_string(plan.minimum_spend, plan.currency),
        "trial_days": plan.trial_days,
        "public": plan.public,
        "tax": plan.tax,
        "charges": [charge_to_data(charge, (meters or {}).get(charge.meter)) for charge in plan.charges],
        "archived": plan.archived,
    }


def meter_to_data(meter: MeterDef) -> Data:
    """The meter as the catalogue file says it."""
    data: Data = {
        "code": meter.code,
        "name": texts_to_data(meter.name),
        "unit": texts_to_data(meter.unit),
        "unit_code": meter.unit_code,
        "event_type": meter.event_type,
        "aggregation": meter.aggregation,
        "value": meter.value,
        "dimensions": list(meter.dimensions),
        "archived": meter.archived,
    }
    if meter.footprint:
        source = {"source": meter.footprint.source} if meter.footprint.source else {}
        data["footprint"] = {"grams_co2e_per_unit": plain(meter.footprint.grams_co2e_per_unit), **source}
    return data


def tax_to_data(tax: TaxDef) -> Data:
    """The tax as the catalogue file says it."""
    return {
        "code": tax.code,
        "name": tax.name,
        "rate": plain(tax.rate),
        "country": tax.country,
        "category": tax.category,
        "valid_from": _day(tax.valid_from),
        "valid_to": _day(tax.valid_to),
    }


def coupon_to_data(coupon: CouponDef) -> Data:
    """The coupon as the catalogue file says it."""
    data: Data = {"code": coupon.code}
    if coupon.percent is not None:
        data["percent"] = plain(coupon.percent)
    if coupon.amount is not None and coupon.currency is not None:
        data |= {"amount": money_string(coupon.amount, coupon.currency), "currency": coupon.currency}
    return data | {"periods": coupon.periods, "archived": coupon.archived}


def catalog_to_data(catalog: Catalog) -> Data:
    """The whole catalogue file."""
    return {
        "catalog": 1,
        "meters": [meter_to_data(meter) for meter in catalog.meters],
        "plans": [plan_to_data(plan) for plan in catalog.plans],
        "taxes": [tax_to_data(tax) for tax in catalog.taxes],
        "coupons": [coupon_to_data(coupon) for coupon in catalog.coupons],
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
