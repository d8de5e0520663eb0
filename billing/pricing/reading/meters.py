"""One meter of the catalogue."""

from typing import Final

from billing.pricing.catalog import Footprint, MeterDef
from billing.pricing.charges import AGGREGATIONS, UNDETERMINED, Aggregation
from billing.pricing.money import ZERO
from billing.pricing.reading.fields import Fields, Problem
from billing.pricing.reading.numbers import price
from billing.pricing.reading.texts import choice, code, flag, prop, text, texts, unit_code

MAX_DIMENSIONS: Final = 20
"""Dimensions of one meter."""

_KEYS: Final = frozenset(
    {
        "code",
        "name",
        "unit",
        "unit_code",
        "event_type",
        "aggregation",
        "value",
        "dimensions",
        "footprint",
        "archived",
    }
)


def read_meter(data: object, path: str, problems: list[Problem]) -> MeterDef:
    """The meter at `path`. What is faulty is noted in `problems` and holds a default."""
    fields = Fields(data, path, problems, _KEYS)
    meter_code = fields.need("code", code, "")
    aggregation: Aggregation = fields.need(
        "aggregation", choice(AGGREGATIONS), "count", f"write one of {', '.join(AGGREGATIONS)}."
    )
    if fields.data.get("aggregation") == "count" and fields.has("value"):
        fields.fault("value", "counting needs no value: remove it, or choose another aggregation.")
    if aggregation != "count" and not fields.has("value"):
        fields.fault("value", f"missing: {aggregation} needs the property of data to aggregate.")
    return MeterDef(
        code=meter_code,
        name=fields.get("name", texts, {UNDETERMINED: meter_code}),
        unit=fields.get("unit", texts, {UNDETERMINED: "unit"}),
        unit_code=fields.get("unit_code", unit_code, "C62"),
        event_type=fields.need("event_type", text, "", "write the type of the events it listens to."),
        aggregation=aggregation,
        value=fields.get("value", prop, None),
        dimensions=_read_dimensions(fields),
        footprint=_read_footprint(fields),
        archived=fields.get("archived", flag, False),
    )


def _read_dimensions(meter: Fields) -> tuple[str, ...]:
    found = list[str]()
    for path, raw in meter.items("dimensions", MAX_DIMENSIONS):
        try:
            name = prop(raw)
        except ValueError as error:
            meter.note(path, str(error))
            continue
        if name in found:
            meter.note(path, f"{name} is listed twice: remove one.")
        found.append(name)
    return tuple(found)


def _read_footprint(meter: Fields) -> Footprint | None:
    if not meter.has("footprint"):
        return None
    keys = {"grams_co2e_per_unit", "source"}
    fields = Fields(meter.data["footprint"], f"{meter.path}.footprint", meter.problems, keys)
    return Footprint(fields.need("grams_co2e_per_unit", price, ZERO), fields.get("source", text, ""))
