"""What each local day of a stretch used of one charge, and by how much its price rose; and what an event did on its
day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from billing.plans.models import Period
from billing.pricing.charges import NO_USAGE, Charge, Usage
from billing.pricing.dates import local_date
from billing.pricing.money import exact
from billing.pricing.price import price
from billing.usage.days import day_bounds, days_between
from billing.usage.queries import EventDetail, PricedEvent, event_on_charges
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
    usage = period_usage(period, [first, *cuts], [charge], _so_far(period, timezone.now()))
    return _days(charge, usage, first, list(zip(chosen, cuts, strict=True)))


@exact()
def event_on_its_day(
    period: Period, charges: Sequence[Charge], start: datetime, end: datetime, event: EventDetail
) -> list[tuple[PricedEvent, ChargeDay]]:
    """An event of [start, end), a stretch of `period` that `charges` price: what each made of it, and of its day."""
    now = timezone.now()
    day = local_date(event.time, period.timezone)
    since, until = day_bounds(period.timezone, day)
    first, cut = max(start, since), min(until, end)
    usage = period_usage(period, [event.time, first, cut], charges, _so_far(period, now))
    held = end if period.closed_at else max(min(end, now), event.time)
    priced = event_on_charges(period, charges, held, event, usage[event.time])
    days = [_days(charge, usage, first, [(day, cut)])[0] for charge in charges]
    return list(zip(priced, days, strict=True))


def _so_far(period: Period, now: datetime) -> datetime | None:
    return now if period.closed_at is None else None


def _days(
    charge: Charge,
    usage: Mapping[datetime, Mapping[str, Usage]],
    first: datetime,
    cuts: Sequence[tuple[date, datetime]],
) -> list[ChargeDay]:
    """Each day with the instant that it is cut at; `first` is where they begin."""
    before, found = usage[first].get(charge.code, NO_USAGE), list[ChargeDay]()
    for day, cut in cuts:
        upto = usage[cut].get(charge.code, NO_USAGE)
        cost = price(charge, upto).exact - price(charge, before).exact
        found.append(ChargeDay(day, upto.quantity - before.quantity, cost))
        before = upto
    return found
