"""The figures of one billing period that several pages show, made once so that they agree on each of them.

Costs are whole minor units throughout: a charge's cost is its invoice lines' sum, and its days are shares of
that sum, so that every row and column of a page adds up to the cent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from accounts.models import Account
from billing.plans.models import Period
from billing.plans.queries import plan_terms, version_at
from billing.pricing.charges import Plan
from billing.pricing.dates import local_date, local_midnight
from billing.pricing.shares import largest_remainder
from billing.usage.rating import Asked, RatedPeriod, daily_costs, rate_period, usage_ahead
from portal import formats
from portal.charts import Series, fold
from portal.pages import prices
from portal.pages.periods import period_holding

DAY: Final = timedelta(days=1)
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class ChargeFigures:
    """One charge in a period: `days` add up to `cost`; `before` is what the same days of the last period
    cost."""

    code: str
    meter: str
    name: str
    unit: str
    price: str
    used: Decimal
    included: Decimal | None
    cost: Decimal
    days: tuple[Decimal, ...]
    before: Decimal | None


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """`days` are all of the period's; `begun` of them have figures; `until` is the instant they are counted
    to."""

    period: Period
    plan: Plan
    currency: str
    until: datetime
    days: tuple[date, ...]
    begun: int
    position: float
    charges: tuple[ChargeFigures, ...]
    total: Decimal
    before_total: Decimal | None
    rated: RatedPeriod

    @property
    def running(self) -> bool:
        return self.until < self.period.end

    @property
    def first_day(self) -> date:
        return self.period.first_day

    @property
    def last_day(self) -> date:
        return self.period.end_day - DAY

    @property
    def today(self) -> date:
        """The last day with figures."""
        return self.days[self.begun - 1]

    @property
    def day_totals(self) -> tuple[Decimal, ...]:
        return tuple(sum((one.days[at] for one in self.charges), ZERO) for at in range(self.begun))

    def series(self, other: str) -> tuple[Series, ...]:
        """Charges as series of a chart: at most five, then `other`."""
        return fold([(one.code, one.name, one.days) for one in self.charges], other)


def period_figures(account: Account, period: Period, at: datetime, compare: bool = True) -> PeriodFigures:
    """The period counted until `at` (or its end), with the same stretch of the period before it."""
    period.account = account  # known already: spares a query in each reading of its usage
    until = min(at, period.end)
    before, as_far = _same_days_before(account, period, until) if compare else (None, until)
    asked = [Asked(period, as_of=at)]
    usage_ahead(asked if before is None else [*asked, Asked(before, until=as_far)])
    # Without a cut inside a day whole days come from their totals, however busy today is.
    rated = rate_period(period, as_of=at)
    rated_before = rate_period(before, until=as_far) if before else None
    plan = _plan_at(period, rated, min(until, period.end - timedelta(microseconds=1)))
    days = _days(period)
    today = min(
        max(local_date(until - timedelta(microseconds=1), period.timezone), period.first_day), days[-1]
    )
    begun = (today - period.first_day).days + 1 if until > period.start else 1
    currency = plan.currency
    midnight = local_midnight(today + DAY, period.timezone)
    per_day = daily_costs(period, min(midnight, period.end), as_of=at, rated=rated)
    spread = {day: dict(costs) for day, costs in per_day}
    charges = tuple(_charges(rated, plan, rated_before, days[:begun], spread))
    return PeriodFigures(
        period=period,
        plan=plan,
        currency=currency,
        until=until,
        days=days,
        begun=begun,
        position=_position(period, until, today),
        charges=charges,
        total=rated.usage_total,
        before_total=rated_before.usage_total if rated_before else None,
        rated=rated,
    )


def _plan_at(period: Period, rated: RatedPeriod, at: datetime) -> Plan:
    """The plan at an instant of the period; a trial has no stretches that are priced."""
    plans = [span.plan for span in rated.spans if span.start <= at]
    return plans[-1] if plans else plan_terms(version_at(period.subscription, at))


def _same_days_before(account: Account, period: Period, until: datetime) -> tuple[Period | None, datetime]:
    """The previous period, and the instant of it that is as far from its start."""
    previous = period_holding(account, period.start - timedelta(microseconds=1))
    if previous is None or previous.trial or previous.pk == period.pk:
        return None, until
    local_start = local_midnight(previous.first_day, previous.timezone)
    return previous, min(previous.end, max(previous.start, local_start) + (until - period.start))


def _days(period: Period) -> tuple[date, ...]:
    return tuple(
        period.first_day + DAY * at for at in range(max(1, (period.end_day - period.first_day).days))
    )


def _position(period: Period, until: datetime, today: date) -> float:
    """`until` in days after the period's first midnight, by the local clock."""
    start = local_midnight(today, period.timezone)
    length = local_midnight(today + DAY, period.timezone) - start
    return (today - period.first_day).days + min(1.0, max(0.0, (until - start) / length))


def _charges(
    rated: RatedPeriod,
    plan: Plan,
    before: RatedPeriod | None,
    days: Sequence[date],
    spread: Mapping[date, Mapping[str, Decimal]],
) -> Iterable[ChargeFigures]:
    """The plan's charges in its order, then those of an earlier plan of the period that were used."""
    known = {charge.code: charge for charge in plan.charges}
    for span in rated.spans:
        for charge in span.plan.charges:
            known.setdefault(charge.code, charge)
    costs, used = _sums(rated)
    earlier = _sums(before)[0] if before else {}
    siblings = [charge.meter for charge in plan.charges]
    for code, charge in known.items():
        if code not in costs and code not in {one.code for one in plan.charges}:
            continue
        cost = costs.get(code, ZERO)
        weights = [spread.get(day, {}).get(code, ZERO) for day in days]
        yield ChargeFigures(
            code=code,
            meter=charge.meter,
            name=prices.charge_name(charge, siblings.count(charge.meter)),
            unit=formats.text_of(charge.unit),
            price=prices.price_words(charge, plan.currency),
            used=used.get(code, ZERO),
            included=prices.included(charge),
            cost=cost,
            days=spread_out(cost, weights, plan.currency),
            before=earlier.get(code, ZERO) if before else None,
        )


def _sums(rated: RatedPeriod) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Cost and quantity by charge over all stretches of the period; minimums do not count as usage."""
    costs, used = dict[str, Decimal](), dict[str, Decimal]()
    for line in rated.lines:
        if line.kind == "usage" and line.charge:
            costs[line.charge] = costs.get(line.charge, ZERO) + line.amount
            used[line.charge] = used.get(line.charge, ZERO) + line.quantity
    return costs, used


def spread_out(cost: Decimal, weights: Sequence[Decimal], currency: str) -> tuple[Decimal, ...]:
    """A rounded cost over its days, in whole minor units that add up to it."""
    if not any(weights) or not sum(weights, ZERO):
        return (*(ZERO for _ in weights[1:]), cost)
    return largest_remainder(cost, weights, currency)
