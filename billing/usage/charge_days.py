"""What each local day of a stretch used of one charge, and by how much its price rose."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from billing.plans.models import Period
from billing.pricing.charges import NO_USAGE, Charge
from billing.pricing.money import exact
from billing.pricing.price import price
from billing.usage.days import day_bounds, days_between
from billing.usage.rating import period_usage


@dataclass(frozen=True, slots=True)
class ChargeDay:
    """A local day: what was used, and by how much the exact price of the period's usage rose."""

    day: date
    quantity: Decimal
    cost: Decimal


@exact()
def charge_days(
    period: Period, charge: Charge, start: datetime, end: datetime, days: Sequence[date] | None = None
) -> list[ChargeDay]:
    """The days of [start, end), a stretch of `period` that `charge` prices; or `days` of it, in order, without gaps.

    Levels over time of an open period count up to now.
    """
    chosen = days_between(period.timezone, start, end) if days is None else days
    if not chosen:
        return []
    first = max(start, day_bounds(period.timezone, chosen[0])[0])
    cuts = [min(day_bounds(period.timezone, day)[1], end) for day in chosen]
    levels_until = timezone.now() if period.closed_at is None else None
    usage = period_usage(period, [first, *cuts], [charge], levels_until)
    before, found = usage[first].get(charge.code, NO_USAGE), list[ChargeDay]()
    for day, cut in zip(chosen, cuts, strict=True):
        upto = usage[cut].get(charge.code, NO_USAGE)
        cost = price(charge, upto).exact - price(charge, before).exact
        found.append(ChargeDay(day, upto.quantity - before.quantity, cost))
        before = upto
    return found
