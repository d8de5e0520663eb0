"""Sharing an amount out so that the parts add up: the largest remainder method (Hamilton), in minor units."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from billing.pricing.money import exact, minor_units


def largest_remainder(amount: Decimal, weights: Sequence[Decimal], currency: str) -> tuple[Decimal, ...]:
    """`amount` shared out in proportion to `weights`, each part in whole minor units, summing up to `amount`.

    Every part is its exact share rounded down; the units left go one each to the largest remainders, of equal
    ones to the first. Weights may be negative and take then a part of the other sign. While 0 <= amount <= Σ
    weights, no part is larger than its weight, if weights are whole minor units as well.

    ValueError if `amount` is not in whole minor units, or is not zero while the weights sum up to zero.
    """
    whole = sum(map(Fraction, weights), Fraction(0))
    if amount and not whole:
        raise ValueError(f"{amount} cannot be shared out over weights that sum up to zero")
    share = Fraction(amount) / whole if whole else Fraction(0)
    return rounded_to(amount, [Fraction(weight) * share for weight in weights], currency)


@exact()
def rounded_to(amount: Decimal, parts: Sequence[Fraction], currency: str) -> tuple[Decimal, ...]:
    """`parts` that come to about `amount`, each rounded down or up to a minor unit so that they sum up to it.

    Up are rounded those with the largest remainders, of equal ones the first. ValueError if `amount` is not in whole
    minor units. It must be the sum of the parts, or that sum rounded; then a part in whole units stays as it is.
    """
    digits = minor_units(currency)
    scaled = Fraction(amount) * 10**digits
    if scaled.denominator != 1:
        raise ValueError(f"{amount} is not in whole minor units of {currency}")
    exact_units = [part * 10**digits for part in parts]
    units = [part.__floor__() for part in exact_units]
    by_remainder = sorted(range(len(units)), key=lambda place: units[place] - exact_units[place])
    for place in by_remainder[: int(scaled) - sum(units)]:
        units[place] += 1
    return tuple(Decimal(part).scaleb(-digits) for part in units)


def drawn_to(amount: Decimal, parts: Sequence[Fraction]) -> list[Fraction]:
    """`parts` that come to about `amount`, made to sum up to it: each moves in proportion to its size.

    Of parts with one sign that is `amount` in proportion to them. Where signs differ it leaves them where they are but
    for what is missing, however little they come to together. Parts of zero stay; `amount` is then zero.
    """
    missing = Fraction(amount) - sum(parts, Fraction(0))
    if not missing:
        return list(parts)
    size = sum(map(abs, parts), Fraction(0))
    return [part + missing * abs(part) / size for part in parts]
