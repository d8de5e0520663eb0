"""`tiers`: bounds inclusive above, strictly increasing, the last one open."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from billing.pricing.charges import Model, Tier
from billing.pricing.money import ZERO
from billing.pricing.reading.fields import Fields
from billing.pricing.reading.numbers import MAX_RATE, percent, positive, price

MAX_TIERS: Final = 1000
"""Tiers of one charge."""

_KEYS: Final = frozenset({"up_to", "unit_price", "flat_price", "rate"})


def read_tiers(charge: Fields, model: Model | None) -> tuple[Tier, ...]:
    """The tiers of a charge; every fault of every tier is noted. `model` is None if it could not be read."""
    rows = [Fields(raw, path, charge.problems, _KEYS) for path, raw in charge.items("tiers", MAX_TIERS)]
    if charge.data.get("tiers") == []:
        charge.fault("tiers", "must not be empty: write at least one tier, the last with up_to: null.")
    tiers = tuple(_read(row, model) for row in rows)
    # A bound that could not be read has its own problem: it is neither open nor out of order.
    known = [
        (row, tier.up_to)
        for row, tier in zip(rows, tiers, strict=True)
        if row.has("up_to") == bool(tier.up_to)
    ]
    for row, message in _bound_faults(known, rows[-1] if rows else None):
        row.fault("up_to", message)
    return tiers


def _read(row: Fields, model: Model | None) -> Tier:
    key, other = ("rate", "unit_price") if model == "graduated_percentage" else ("unit_price", "rate")
    if model is not None and row.has(other):
        row.fault(other, f"does not go with the model {model}: write {key} instead.")
    elif not any(row.has(price_key) for price_key in ("unit_price", "rate", "flat_price")):
        row.fault(key, f"missing: write {key}, flat_price or both.")
    return Tier(
        up_to=row.get("up_to", positive, None),
        unit_price=row.get("unit_price", price, ZERO),
        flat_price=row.get("flat_price", price, ZERO),
        rate=row.get("rate", percent(MAX_RATE), ZERO),
    )


def _bound_faults(
    bounds: list[tuple[Fields, Decimal | None]], last: Fields | None
) -> Iterator[tuple[Fields, str]]:
    """Each tier whose bound is out of order, with the fault; `last` is the one that must be open."""
    below = ZERO
    for row, bound in bounds:
        if bound is None:
            if row is not last:
                yield row, "only the last tier is open: write the tier's highest quantity."
            continue
        if row is last:
            yield row, "the last tier must be open: write null."
        if bound <= below:
            yield row, f"must be more than the {below:f} of the tier before."
        below = bound
