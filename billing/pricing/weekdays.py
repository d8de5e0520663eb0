"""What is usual on each day of the week, from a few weeks of days: for costs, and for shares of a day."""

from calendar import Day
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from billing.pricing.money import ZERO

MIN_SHAPED_DAYS: Final = 14
"""Days from which weekdays are told apart."""

type Values = Sequence[tuple[date, Decimal]]
"""A value for each day, in order."""


def steady(values: Values) -> list[tuple[date, Decimal]]:
    """The highest and the lowest value replaced by the ones next to them (winsorised by one); two at least."""
    ordered = sorted(value for _, value in values)
    return [(day, min(max(value, ordered[1]), ordered[-2])) for day, value in values]


def usual(values: Values) -> tuple[Decimal, ...]:
    """By weekday (Monday is 0), not below zero. `values`: as `steady` gives them; too few have one mean for all days.

    A weekday has its own mean, drawn halfway to that of all days by one day more of it; together they make what the
    days did.
    """
    level = sum((value for _, value in values), ZERO) / len(values)
    if len(values) < MIN_SHAPED_DAYS:
        return tuple(max(level, ZERO) for _ in Day)
    found = []
    for weekday in Day:
        own = [value for day, value in values if day.weekday() == weekday]
        found.append((sum(own, ZERO) + level) / (len(own) + 1))
    drift = level - sum((found[day.weekday()] for day, _ in values), ZERO) / len(values)
    return tuple(max(value + drift, ZERO) for value in found)


def scatter(values: Values, weekdays: Sequence[Decimal]) -> Decimal:
    """The variance of days around what is usual; two at least."""
    freedom = len(values) - (7 if len(values) >= MIN_SHAPED_DAYS else 1)
    return sum(((value - weekdays[day.weekday()]) ** 2 for day, value in values), ZERO) / freedom
