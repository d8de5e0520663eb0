"""On which day usage reaches a limit at this rate: the pure forecast of billing/pricing on the limit's own days."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from billing.limits.models import LimitVersion
from billing.limits.queries.clamping import spent_on, usage_so_far
from billing.limits.queries.crossing import is_reached
from billing.plans.models import Period
from billing.plans.queries import period_at, plan_terms, spans_in
from billing.pricing.dates import local_date, local_midnight
from billing.pricing.forecast import forecast
from billing.pricing.money import ZERO
from billing.usage.hours import passed_today
from billing.usage.rating import daily_costs, rate_period

MIN_DAYS: Final = 7
"""Complete days of usage before anybody is told a date."""

type Costs = list[tuple[date, dict[str, Decimal]]]
"""Local days with what each meter cost on them."""


def expected_on(limits: Iterable[LimitVersion], period: Period, at: datetime) -> dict[LimitVersion, date]:
    """The day by whose end usage is expected to reach each of the limits; those it will not in this period left out.

    Also left out: what is reached already, and whatever there are too few days to tell of.
    """
    if period.trial or not period.start <= at < period.end:
        return {}
    usage = usage_so_far(rate_period(period, as_of=at))
    days = _history(period, at)
    today = local_date(at, period.timezone)
    if not days or (today - min(day for day, _ in days)).days < MIN_DAYS:
        return {}
    passed = passed_today(period.account_id, today, at, period.timezone)
    found = {}
    for limit in limits:
        meter = limit.meter.code if limit.meter else None
        spent = spent_on(usage, meter)
        if limit.amount is None or is_reached(limit, spent):
            continue
        expected = forecast(
            [(day, spent_on(costs, meter)) for day, costs in days],
            spent=spent,
            today=today,
            today_fraction=passed.share,
            today_variance=passed.variance,
            end_day=period.end_day,
            currency=limit.account.currency,
        )
        day = expected.crossing_date(limit.amount) if expected else None
        if day is not None:
            found[limit] = day
    return found


def _history(period: Period, at: datetime) -> Costs:
    """The complete days of the period and of the one before it."""
    midnight = local_midnight(local_date(at, period.timezone), period.timezone)
    found = _by_meter(period, midnight) if midnight > period.start else []
    previous = period_at(period.account, period.start - timedelta(microseconds=1))
    if previous is not None and previous.pk != period.pk and not previous.trial:
        previous.account = period.account
        found += _by_meter(previous, previous.end)
    return found


def _by_meter(period: Period, until: datetime) -> Costs:
    """The period's days as daily_costs gives them, by meter instead of by charge."""
    meters = {
        charge.code: charge.meter
        for version, _, _ in spans_in(period)
        for charge in plan_terms(version).charges
    }
    return [(day, _sums(costs, meters)) for day, costs in daily_costs(period, until)]


def _sums(costs: Mapping[str, Decimal], meters: Mapping[str, str]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for charge, cost in costs.items():
        sums[meters[charge]] = sums.get(meters[charge], ZERO) + cost
    return sums
