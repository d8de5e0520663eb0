"""Sharing an amount out so that the parts add up: the largest remainder method (Hamilton), in minor units."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from billing.pricing.money import exact, minor_units


@exact()
def largest_remainder(amount: Decimal, weights: Sequence[Decimal], currency: str) -> tuple[Decimal, ...]:
    """`amount` shared out in proportion to `weights`, each part in whole minor units, summing up to `amount`.

    Every part is its exact share rounded down; the units left go one each to the largest remainders, of equal
    ones to the first. Weights may be negative and take then a part of the other sign. While 0 <= amount <= Σ
    weights, no part is larger than its weight, if weights are whole minor units as well.

    ValueError if `amount` is not in whole minor units, or is not zero while the weights sum up to zero.
    """
    digits = minor_units(currency)
    scaled = Fraction(amount) * 10**digits
    whole = sum((Fraction(weight) for weight in weights), Fraction(0))
    if scaled.denominator != 1:
        raise ValueError(f"{amount} is not in whole minor units of {currency}")
    if not scaled:
        return tuple(Decimal(0).scaleb(-digits) for _ in weights)
    if not whole:
        raise ValueError(f"{amount} cannot be shared out over weights that sum up to zero")
    ideal = [scaled * Fraction(weight) / whole for weight in weights]
    units = [part.__floor__() for part in ideal]
    by_remainder = sorted(range(len(ideal)), key=lambda place: units[place] - ideal[place])
    for place in by_remainder[: int(scaled) - sum(units)]:
        units[place] += 1
    return tuple(Decimal(part).scaleb(-digits) for part in units)
