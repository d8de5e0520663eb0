"""One charge of a plan: which keys go with which model, and what they may hold."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Final

from billing.pricing.catalog import MeterDef
from billing.pricing.charges import MODELS, Charge, Model
from billing.pricing.money import ZERO
from billing.pricing.reading.fields import Fields, Problem
from billing.pricing.reading.filters import read_where
from billing.pricing.reading.numbers import MAX_RATE, percent, positive, price, whole
from billing.pricing.reading.texts import choice, code, texts
from billing.pricing.reading.tiers import read_tiers

MAX_INCLUDED_EVENTS: Final = 10**12

_COMMON: Final = frozenset(
    {"code", "name", "meter", "where", "model", "included", "minimum_amount", "maximum_amount", "tax"}
)
REQUIRED: Final[Mapping[Model, frozenset[str]]] = {
    "per_unit": frozenset({"unit_price"}),
    "package": frozenset({"package_size", "package_price"}),
    "graduated": frozenset({"tiers"}),
    "volume": frozenset({"tiers"}),
    "percentage": frozenset({"rate"}),
    "graduated_percentage": frozenset({"tiers"}),
}
"""Model -> the keys that a charge of it must have."""

_PER_EVENT: Final = (
    "fixed_fee",
    "included_events",
    "included_amount",
    "minimum_per_event",
    "maximum_per_event",
)
_OF_MODEL: Final = {
    model: keys | (set(_PER_EVENT) if model == "percentage" else set()) for model, keys in REQUIRED.items()
}
_KEYS: Final = _COMMON.union(*_OF_MODEL.values())


def read_charge(
    data: object,
    path: str,
    problems: list[Problem],
    meters: Mapping[str, MeterDef],
    taxes: Collection[str] | None,
) -> Charge:
    """The charge at `path`. What is faulty is noted in `problems` and holds a default."""
    fields = Fields(data, path, problems, _KEYS)
    meter_code = fields.need("meter", code, "", "write the code of a meter.")
    meter = meters.get(meter_code)
    if meter_code and meter is None:
        fields.fault("meter", f"no meter has the code {meter_code}.{fields.hint(meter_code, meters)}")
    model: Model = fields.need("model", choice(MODELS), "per_unit", f"write one of {', '.join(MODELS)}.")
    _check_keys(fields, model)
    if model == "percentage" and meter is not None and meter.aggregation not in {"sum", "count"}:
        fault = f"prices event by event, so its meter must sum or count, not {meter.aggregation}."
        fields.fault("model", fault)
    charge = Charge(
        code=fields.get("code", code, meter_code),
        meter=meter_code,
        aggregation=meter.aggregation if meter else "sum",
        name=fields.get("name", texts, meter.name if meter else {}),
        unit=meter.unit if meter else {},
        model=model,
        where=read_where(fields, meter),
        included=fields.get("included", price, ZERO),
        unit_price=fields.get("unit_price", price, ZERO),
        package_size=fields.get("package_size", positive, Decimal(1)),
        package_price=fields.get("package_price", price, ZERO),
        tiers=read_tiers(fields, model if fields.data.get("model") == model else None),
        rate=fields.get("rate", percent(MAX_RATE), ZERO),
        fixed_fee=fields.get("fixed_fee", price, ZERO),
        included_events=fields.get("included_events", whole(0, MAX_INCLUDED_EVENTS), None),
        included_amount=fields.get("included_amount", price, None),
        minimum_per_event=fields.get("minimum_per_event", price, None),
        maximum_per_event=fields.get("maximum_per_event", price, None),
        minimum_amount=fields.get("minimum_amount", price, None),
        maximum_amount=fields.get("maximum_amount", price, None),
        tax=read_tax(fields, taxes),
    )
    _check_bounds(fields, "minimum_per_event", charge.minimum_per_event, charge.maximum_per_event)
    _check_bounds(fields, "minimum_amount", charge.minimum_amount, charge.maximum_amount)
    return charge


def read_tax(fields: Fields, taxes: Collection[str] | None) -> str | None:
    """The tax code of a plan or charge; it must be one of `taxes` (any, if that is None)."""
    tax = fields.get("tax", code, None)
    if tax is not None and taxes is not None and tax not in taxes:
        fields.fault("tax", f"no tax has the code {tax}.{fields.hint(tax, taxes)}")
    return tax


def _check_keys(fields: Fields, model: Model) -> None:
    """Note the keys that `model` lacks, and those of other models."""
    if fields.data.get("model") != model:
        return
    for key in sorted(REQUIRED[model]):
        if not fields.has(key):
            fields.fault(key, f"missing: the model {model} needs it.")
    for key in sorted(_KEYS - _COMMON - _OF_MODEL[model]):
        if fields.has(key):
            expected = ", ".join(sorted(_OF_MODEL[model]))
            fields.fault(key, f"does not go with the model {model}, which takes {expected}: remove it.")


def _check_bounds(fields: Fields, key: str, lowest: Decimal | None, highest: Decimal | None) -> None:
    if lowest is not None and highest is not None and lowest > highest:
        fields.fault(key, f"must not be more than {key.replace('minimum', 'maximum')} ({highest:f}).")
