"""`simulate`: an account's real usage priced on another plan, by the very functions that invoice.

What counts: base prices, usage, charge minimums and minimum spend, before coupons, tax and credits. Late usage counts
in the period of its time, as if it had come in time. What does not: limits and what they waived, trials, adjustments.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from accounts.models import Account
from billing.plans.lines import PlanLine, minimum_spend_line
from billing.plans.models import PlanVersion
from billing.plans.queries import base_charge, plan_terms
from billing.pricing.charges import Plan, Usage
from billing.pricing.lines import Line
from billing.pricing.minimums import missing_spend
from billing.pricing.money import ZERO, exact
from billing.pricing.proration import cancel_line, period_share
from billing.pricing.rate import rate
from billing.pricing.spans import Span
from billing.usage.reading.upto import usage_upto
from billing.usage.simulation.calendar import Bounds, PlanPeriod, simulated_periods
from billing.usage.simulation.coverage import Unpriced, unpriced_meters

__all__ = ["SimulatedPeriod", "Simulation", "Unpriced", "simulate", "simulate_all"]


@dataclass(frozen=True, slots=True)
class SimulatedPeriod:
    """A period [start, end) of the simulated plan, cut where the simulation ends. Amounts are in minor units.

    `base`: the base price and, if the period is cut, the unused days given back; `usage` and `minimums` as `rate()`
    makes them; `minimum_spend`: what they miss to the plan's, prorated.
    """

    start: datetime
    end: datetime
    base: tuple[Line, ...]
    usage: tuple[Line, ...]
    minimums: tuple[Line, ...]
    minimum_spend: Line | None

    @property
    def lines(self) -> tuple[Line, ...]:
        """In the order of an invoice (contract, section 5)."""
        return (*self.usage, *self.minimums, *self.base, *filter(None, (self.minimum_spend,)))

    @property
    def usage_total(self) -> Decimal:
        return _sum(self.usage)

    @property
    def subtotal(self) -> Decimal:
        return _sum(self.lines)


@dataclass(frozen=True, slots=True)
class Simulation:
    """What `version` would have cost in [start, end).

    `unpriced`: meters that the account used and the plan does not price, in whole or in part: what is missing in the
    total, so compare it with that of another plan only while knowing them.
    """

    version: PlanVersion
    start: datetime
    end: datetime
    periods: tuple[SimulatedPeriod, ...]
    unpriced: tuple[Unpriced, ...]

    @property
    def currency(self) -> str:
        return self.version.currency

    @property
    def total(self) -> Decimal:
        """The sum of the periods' subtotals: before coupons, tax and credits."""
        return _sum(line for period in self.periods for line in period.lines)


def simulate(account: Account, version: PlanVersion, start: datetime, end: datetime) -> Simulation:
    """`simulate_all` of one version."""
    return simulate_all(account, [version], start, end)[0]


def simulate_all(
    account: Account, versions: Sequence[PlanVersion], start: datetime, end: datetime
) -> list[Simulation]:
    """What each of `versions` would have cost for the usage that the account had in [start, end).

    Read it inside the account's scope: nothing is stored. Usage that several versions price over the same periods is
    read once. Periods: `simulated_periods`. Levels that are still held count up to now. ValueError unless
    start < end.
    """
    if start >= end:
        raise ValueError(f"a simulation cannot end ({end}) before it starts ({start})")
    calendars = [simulated_periods(account, version, start, end) for version in versions]
    plans = [plan_terms(version) for version in versions]
    found = _usage(account, plans, calendars)
    lacking = unpriced_meters(account, plans, start, end)
    return [
        Simulation(
            version,
            start,
            end,
            tuple(_priced(version, period, found[period.bounds][n]) for period in calendars[n]),
            lacking[n],
        )
        for n, version in enumerate(versions)
    ]


def _usage(
    account: Account, plans: Sequence[Plan], calendars: Sequence[Sequence[PlanPeriod]]
) -> dict[Bounds, dict[int, dict[str, Usage]]]:
    """The usage of each period by plan (its place in `plans`) and charge: one reading for all plans that bill it."""
    billing = dict[Bounds, list[int]]()
    for n, periods in enumerate(calendars):
        for period in periods:
            billing.setdefault(period.bounds, []).append(n)
    found, now = dict[Bounds, dict[int, dict[str, Usage]]](), timezone.now()
    for bounds, places in billing.items():
        start, end, full_start, full_end = bounds
        charges = [replace(charge, code=f"{n} {charge.code}") for n in places for charge in plans[n].charges]
        usage = usage_upto(account, start, [end], charges, full_start, full_end, now)[end]
        found[bounds] = {
            n: {charge.code: usage[f"{n} {charge.code}"] for charge in plans[n].charges} for n in places
        }
    return found


def _priced(version: PlanVersion, period: PlanPeriod, usage: Mapping[str, Usage]) -> SimulatedPeriod:
    plan, used = plan_terms(version), period.used
    share = period_share(used)
    lines = rate([Span(plan, used.start, used.end, {}, usage, share)])
    base = tuple(_base_lines(version, period))
    missing = missing_spend([(plan.minimum_spend, share)], _sum((*base, *lines)), plan.currency)
    return SimulatedPeriod(
        start=used.start,
        end=used.end,
        base=base,
        usage=tuple(line for line in lines if line.kind == "usage"),
        minimums=tuple(line for line in lines if line.kind != "usage"),
        minimum_spend=minimum_spend_line(plan, missing, used.start, used.end) if missing else None,
    )


def _base_lines(version: PlanVersion, period: PlanPeriod) -> Iterable[Line]:
    """The base price in advance, and what an end within the period gives back of it."""
    charge = base_charge(period.charged)
    if charge is None or not charge.price:
        return
    yield PlanLine(version, charge, period.charged, pending=False).as_line()
    if period.used.end_day < period.charged.end_day:
        back = cancel_line(version.base_price, period.used.last_day, period.charged, version.currency)
        yield PlanLine(version, back, period.charged).as_line()


@exact()
def _sum(lines: Iterable[Line]) -> Decimal:
    return sum((line.amount for line in lines), ZERO)
