"""Rows of the catalogue as the values that pricing reads, and back. The rules are in billing/pricing/parse.py."""

from decimal import Decimal
from typing import Any, cast

from django.db.models import F

from billing.plans.models import Charge, Coupon, Meter, PlanVersion, TaxRate
from billing.pricing.catalog import CouponDef, Footprint, MeterDef, TaxCategory, TaxDef
from billing.pricing.charges import Aggregation
from billing.pricing.charges import Charge as ChargeTerms
from billing.pricing.data import charge_to_data
from billing.pricing.money import plain

type Data = dict[str, Any]

COLUMNS_OF_CHARGE = ("code", "meter", "model", "where")
"""Keys of a charge in the catalogue file that are columns; the others are in `Charge.terms`."""


def meter_def(meter: Meter) -> MeterDef:
    footprint = meter.footprint
    return MeterDef(
        code=meter.code,
        name=meter.name,
        unit=meter.unit,
        unit_code=meter.unit_code,
        event_type=meter.event_type,
        aggregation=cast(Aggregation, meter.aggregation),
        value=meter.value or None,
        dimensions=tuple(meter.dimensions),
        footprint=footprint
        and Footprint(Decimal(footprint["grams_co2e_per_unit"]), footprint.get("source", "")),
        archived=meter.archived,
    )


def meter_columns(meter: MeterDef) -> Data:
    footprint = meter.footprint
    return {
        "name": dict(meter.name),
        "unit": dict(meter.unit),
        "unit_code": meter.unit_code,
        "event_type": meter.event_type,
        "aggregation": meter.aggregation,
        "value": meter.value or "",
        "dimensions": list(meter.dimensions),
        "footprint": footprint
        and {"grams_co2e_per_unit": plain(footprint.grams_co2e_per_unit), "source": footprint.source},
        "archived": meter.archived,
    }


def known_meters() -> dict[str, MeterDef]:
    """Every stored meter by its code."""
    return {meter.code: meter_def(meter) for meter in Meter.objects.all()}


def known_taxes() -> list[TaxDef]:
    """Every stored tax, the entries of a code in the order of their days."""
    in_order = TaxRate.objects.order_by("code", F("valid_from").asc(nulls_first=True))
    return [tax_def(tax) for tax in in_order]


def tax_def(tax: TaxRate) -> TaxDef:
    return TaxDef(
        code=tax.code,
        name=tax.name,
        rate=tax.rate,
        country=tax.country,
        category=cast(TaxCategory, tax.category),
        valid_from=tax.valid_from,
        valid_to=tax.valid_to,
    )


def coupon_def(coupon: Coupon) -> CouponDef:
    return CouponDef(
        code=coupon.code,
        percent=coupon.percent,
        amount=coupon.amount,
        currency=coupon.currency or None,
        periods=coupon.periods,
        archived=coupon.archived,
    )


def charge_data(charge: Charge) -> Data:
    """The charge as the catalogue file says it."""
    where = {"where": charge.where} if charge.where else {}
    return {"code": charge.code, "meter": charge.meter.code, **where, "model": charge.model, **charge.terms}


def charge_columns(charge: ChargeTerms, meters: dict[str, MeterDef]) -> Data:
    """Columns of a charge row, its meter apart."""
    data = charge_to_data(charge, meters.get(charge.meter))
    return {
        "code": charge.code,
        "model": charge.model,
        "where": data.get("where", {}),
        "terms": {key: value for key, value in data.items() if key not in COLUMNS_OF_CHARGE},
    }


def version_data(version: PlanVersion) -> Data:
    """A draft, or a published version, as the catalogue file says a plan."""
    return {
        "code": version.plan.code,
        "name": version.name,
        "currency": version.currency,
        "interval": version.interval,
        "base_price": plain(version.base_price),
        "minimum_spend": plain(version.minimum_spend),
        "trial_days": version.trial_days,
        "public": version.plan.public,
        "tax": version.tax or None,
        "archived": version.plan.archived,
        "charges": [charge_data(charge) for charge in version.charges.select_related("meter")],
    }
