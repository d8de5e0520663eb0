"""`where`: which events a charge prices, and whether two charges could both price one."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from billing.pricing.catalog import MeterDef
from billing.pricing.charges import Charge
from billing.pricing.money import plain
from billing.pricing.reading.fields import Fields, Problem
from billing.pricing.reading.numbers import number
from billing.pricing.reading.texts import text

MAX_VALUES: Final = 1000
"""Values of one key."""

MAX_CHARACTERS: Final = 1000
"""Characters of one value: no event's value is longer (contract, section 6)."""


def read_where(charge: Fields, meter: MeterDef | None) -> dict[str, tuple[str, ...]]:
    """Dimension -> accepted values, sorted. The keys must be dimensions of `meter` (unchecked if it is not
    known).
    """
    if not charge.has("where"):
        return {}
    raw = charge.data["where"]
    keys = [key for key in raw if isinstance(key, str)] if isinstance(raw, Mapping) else []
    fields = Fields(raw, f"{charge.path}.where", charge.problems, keys)
    for key in keys:
        if meter is not None and key not in meter.dimensions:
            known = ", ".join(meter.dimensions) or "none"
            hint = fields.hint(key, meter.dimensions)
            fields.fault(key, f"not a dimension of the meter {meter.code} (it has: {known}).{hint}")
    return {key: fields.need(key, _values, (), "list the values that match.") for key in sorted(keys)}


def _values(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list | tuple) else [value]
    if not values:
        raise ValueError("an empty list matches nothing: list the values, or remove the key.")
    if len(values) > MAX_VALUES:
        raise ValueError(f"{len(values)} values are too many: at most {MAX_VALUES} are allowed.")
    return tuple(sorted({_value(item) for item in values}))


def _value(value: object) -> str:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return plain(number(value))
    return text(value, MAX_CHARACTERS)


def note_overlaps(charges: Iterable[tuple[str, Charge]], problems: list[Problem]) -> None:
    """Note each (path, charge) that could price an event which an earlier charge prices."""
    seen = list[tuple[str, Charge]]()
    for path, charge in charges:
        for other_path, other in seen:
            if other.meter == charge.meter and not _disjoint(charge.where, other.where):
                message = f"{other_path} can match the same event: make the filters exclude each other."
                problems.append(Problem(f"{path}.where", message))
                break
        seen.append((path, charge))


def _disjoint(one: Mapping[str, tuple[str, ...]], two: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether no event can match both: an event has one value per key, so one key without a common value is
    enough.
    """
    return any(set(one[key]).isdisjoint(two[key]) for key in one.keys() & two.keys())
