"""`tiers`: bounds inclusive above, strictly increasing, the last one open."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from billing.pricing.charges import Model, Tier
from billing.pricing.money import ZERO
from billing.pricing.reading.fields import Fields, join
from billing.pricing.reading.numbers import MAX_RATE, percent, positive, price

MAX_TIERS: Final = 1000
"""Tiers of one charge."""

_KEYS: Final = frozenset({"up_to", "unit_price", "flat_price", "rate"})


def read_tiers(charge: Fields, model: Model) -> tuple[Tier, ...]:
    """The tiers of a charge; every fault of every tier is noted."""
    found = [
        _read(Fields(raw, path, charge.problems, _KEYS), model)
        for path, raw in charge.items("tiers", MAX_TIERS)
    ]
    if charge.data.get("tiers") == []:
        charge.fault("tiers", "must not be empty: write at least one tier, the last with up_to: null.")
    for index, message in _bound_faults([tier.up_to for tier in found]):
        charge.note(f"{join(charge.path, 'tiers')}[{index}].up_to", message)
    return tuple(found)


def _read(fields: Fields, model: Model) -> Tier:
    price_key, other = ("rate", "unit_price") if model == "graduated_percentage" else ("unit_price", "rate")
    if fields.has(other):
        fields.fault(other, f"does not go with the model {model}: write {price_key} instead.")
    elif not fields.has(price_key) and not fields.has("flat_price"):
        fields.fault(price_key, f"missing: write {price_key}, flat_price or both.")
    return Tier(
        up_to=fields.get("up_to", positive, None),
        unit_price=fields.get("unit_price", price, ZERO),
        flat_price=fields.get("flat_price", price, ZERO),
        rate=fields.get("rate", percent(MAX_RATE), ZERO),
    )


def _bound_faults(bounds: list[Decimal | None]) -> Iterator[tuple[int, str]]:
    """Index and fault of each bound that is out of order."""
    below: Decimal | None = None
    for index, bound in enumerate(bounds):
        is_last = index == len(bounds) - 1
        if bound is None and not is_last:
            yield index, "only the last tier is open: write the tier's highest quantity."
        elif bound is not None and is_last:
            yield index, "the last tier must be open: write null."
        elif bound is not None and below is not None and bound <= below:
            yield index, f"must be more than the {below:f} of the tier before."
        below = bound if bound is not None else below
