"""`graduated`, `graduated_percentage` and `volume`: prices by tier, bounds inclusive above."""

from collections.abc import Iterator
from decimal import Decimal

from billing.pricing.charges import Charge, Tier
from billing.pricing.models.parts import TierPart, part
from billing.pricing.money import ZERO


def graduated(charge: Charge, quantity: Decimal) -> tuple[TierPart, ...]:
    """Each tier prices the units inside it; its flat price is due if any unit is inside."""
    return tuple(
        part(units, tier.unit_price, tier.flat_price, up_to=tier.up_to)
        for tier, units in _filled(charge, quantity)
    )


def graduated_percentage(charge: Charge, quantity: Decimal) -> tuple[TierPart, ...]:
    """As `graduated`, with the tier's rate percent of the amount inside."""
    return tuple(
        part(units, tier.rate.scaleb(-2), tier.flat_price, up_to=tier.up_to, rate=tier.rate)
        for tier, units in _filled(charge, quantity)
    )


def volume(charge: Charge, quantity: Decimal) -> tuple[TierPart, ...]:
    """The one tier that holds the whole quantity prices all of it."""
    tier = next(tier for tier in charge.tiers if tier.up_to is None or quantity <= tier.up_to)
    return (part(quantity, tier.unit_price, tier.flat_price, up_to=tier.up_to),)


def _filled(charge: Charge, quantity: Decimal) -> Iterator[tuple[Tier, Decimal]]:
    """The tiers that hold any of `quantity`, each with the units inside it."""
    below = ZERO
    for tier in charge.tiers:
        if quantity <= below:
            return
        top = quantity if tier.up_to is None else min(quantity, tier.up_to)
        yield tier, top - below
        below = top
