"""`simulate`: an account's real usage priced on another plan, by the very functions that invoice.

What counts: base prices, usage, charge minimums and minimum spend, before coupons, tax and credits. Late usage counts
in the period of its time, as if it had come in time. What does not: limits and what they waived, trials, adjustments;
but for what is asked to be otherwise (`Moved`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from accounts.models import Account
from billing.plans.lines import PlanLine, minimum_spend_line
from billing.plans.models import Period, PlanVersion
from billing.plans.queries import base_charge, plan_terms
from billing.pricing.charges import Plan, Usage
from billing.pricing.lines import Line
from billing.pricing.minimums import missing_spend
from billing.pricing.money import ZERO, exact
from billing.pricing.proration import cancel_line, period_share
from billing.pricing.rate import rate
from billing.pricing.spans import Span
from billing.usage.days import day_bounds, days_between
from billing.usage.reading.upto import Question, usages_upto
from billing.usage.simulation.calendar import Bounds, PlanPeriod, own_periods, simulated_periods
from billing.usage.simulation.coverage import Unpriced, unpriced_meters
from billing.usage.simulation.moving import AS_IT_WAS, Moved, cost_of, moved_usage, reached_on

__all__ = ["Moved", "SimulatedPeriod", "Simulation", "Unpriced", "simulate", "simulate_all"]


@dataclass(frozen=True, slots=True)
class SimulatedPeriod:
    """A period [start, end) of the simulated plan, cut where the simulation ends. Amounts are in minor units.

    `base`: the base price and, if the period is cut, the unused days given back; `usage` and `minimums` as `rate()`
    makes them; `minimum_spend`: what they miss to the plan's, prorated. `refused`: what a limit that stops would have
    kept from happening, zero or more; `reached`: the local day on which usage reached the limit, if it did.
    """

    start: datetime
    end: datetime
    base: tuple[Line, ...]
    usage: tuple[Line, ...]
    minimums: tuple[Line, ...]
    minimum_spend: Line | None
    refused: Decimal = ZERO
    reached: date | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """In the order of an invoice (contract, section 5)."""
        return (*self.usage, *self.minimums, *self.base, *filter(None, (self.minimum_spend,)))

    @property
    def usage_total(self) -> Decimal:
        return cost_of(self.usage)

    @property
    @exact()
    def subtotal(self) -> Decimal:
        return cost_of(self.lines) - self.refused


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
    @exact()
    def total(self) -> Decimal:
        """The sum of the periods' subtotals: before coupons, tax and credits."""
        return sum((period.subtotal for period in self.periods), ZERO)


def simulate(  # noqa: PLR0917
    account: Account,
    version: PlanVersion,
    start: datetime,
    end: datetime,
    moved: Moved = AS_IT_WAS,
    own: Sequence[Period] | None = None,
) -> Simulation:
    """`simulate_all` of one version."""
    return simulate_all(account, [version], start, end, moved, own)[0]


def simulate_all(  # noqa: PLR0917
    account: Account,
    versions: Sequence[PlanVersion],
    start: datetime,
    end: datetime,
    moved: Moved = AS_IT_WAS,
    own: Sequence[Period] | None = None,
) -> list[Simulation]:
    """What each of `versions` would have cost for the usage that the account had in [start, end).

    Read it inside the account's scope: nothing is stored. Usage is read in one go, what several versions price over
    the same periods once. Periods: `simulated_periods`; `own` are the account's, at least those that begin in
    [start, end), if they are known. Levels that are still held count up to now. ValueError unless start < end.
    """
    if start >= end:
        raise ValueError(f"a simulation cannot end ({end}) before it starts ({start})")
    own = own_periods(account, start, end) if own is None else own
    calendars = [simulated_periods(account, version, start, end, own) for version in versions]
    plans = [plan_terms(version) for version in versions]
    found = _usage(account, plans, calendars, by_day=moved.limit is not None)
    lacking = unpriced_meters(account, plans, start, end)
    return [
        Simulation(
            version,
            start,
            end,
            tuple(_priced(version, period, found[period.bounds][n], moved) for period in calendars[n]),
            lacking[n],
        )
        for n, version in enumerate(versions)
    ]


type Days = list[tuple[date, Mapping[str, Usage]]]
"""Local days in order, each with the usage by charge up to its end. The last one ends as the period does."""


def _usage(
    account: Account, plans: Sequence[Plan], calendars: Sequence[Sequence[PlanPeriod]], *, by_day: bool
) -> dict[Bounds, dict[int, Days]]:
    """The usage of each period by plan (its place in `plans`) and charge: one reading for all plans that bill it.

    Of its last day alone, or with `by_day` of all its days.
    """
    billing, used = dict[Bounds, list[int]](), dict[Bounds, Period]()
    for n, periods in enumerate(calendars):
        for period in periods:
            billing.setdefault(period.bounds, []).append(n)
            used[period.bounds] = period.used
    now, questions, days = timezone.now(), list[Question](), dict[Bounds, list[tuple[date, datetime]]]()
    for bounds, places in billing.items():
        start, end, *full = bounds
        zone = used[bounds].timezone
        ends = [(day, min(day_bounds(zone, day)[1], end)) for day in days_between(zone, start, end)]
        days[bounds] = ends if by_day else ends[-1:]
        charges = [replace(charge, code=f"{n} {charge.code}") for n in places for charge in plans[n].charges]
        cuts = [cut for _, cut in days[bounds]]
        questions.append(Question(account, start, cuts, charges, (full[0], full[1]), now))
    return {
        bounds: {
            n: [
                (day, {charge.code: usage[cut][f"{n} {charge.code}"] for charge in plans[n].charges})
                for day, cut in days[bounds]
            ]
            for n in places
        }
        for (bounds, places), usage in zip(billing.items(), usages_upto(questions), strict=True)
    }


def _priced(version: PlanVersion, period: PlanPeriod, days: Days, moved: Moved) -> SimulatedPeriod:
    plan, used = plan_terms(version), period.used
    share = period_share(used)
    whole = [(day, moved_usage(usage, plan.charges, moved)) for day, usage in days]
    lines = rate([Span(plan, used.start, used.end, {}, whole[-1][1], share)])
    usage_lines = tuple(line for line in lines if line.kind == "usage")
    base = tuple(_base_lines(version, period))
    reached, refused = None, ZERO
    if moved.limit is not None:
        with exact():
            over = cost_of(usage_lines) - moved.limit
        reached = reached_on(plan, used, whole, moved.limit) if over >= 0 else None
        refused = max(over, ZERO) if moved.stops else ZERO
    with exact():
        net = cost_of((*base, *lines)) - refused
    missing = missing_spend([(plan.minimum_spend, share)], net, plan.currency)
    return SimulatedPeriod(
        start=used.start,
        end=used.end,
        base=base,
        usage=usage_lines,
        minimums=tuple(line for line in lines if line.kind != "usage"),
        minimum_spend=minimum_spend_line(plan, missing, used.start, used.end) if missing else None,
        refused=refused,
        reached=reached,
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
