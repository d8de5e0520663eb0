"""The plan page: what the account is on, and what its own usage would have cost on each public plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

from django.utils.translation import gettext

from accounts.models import Account
from billing.plans.models import Period, PlanVersion, ScheduledChange, Subscription
from billing.plans.queries import plan_terms, public_plans, running_subscription, scheduled_change, version_at
from billing.pricing.charges import Charge, Plan, Usage
from billing.pricing.money import ZERO, exact
from billing.pricing.rate import rate
from billing.pricing.spans import Span
from billing.usage.rating import period_usage
from portal import formats
from portal.pages import prices
from portal.pages.periods import period_name

MONTHS: Final = 3


@dataclass(frozen=True, slots=True)
class Cost:
    amount: Decimal
    lowest: bool


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan against the account's own usage; `difference` is against the plan it is on, None for that
    one."""

    code: str
    name: str
    base_price: Decimal
    interval: str
    mine: bool
    costs: tuple[Cost, ...]
    total: Decimal
    difference: Decimal | None


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One line of the table of prices: the same meter in each plan."""

    name: str
    cells: tuple[str, ...]
    sub: bool = False


@dataclass(frozen=True, slots=True)
class PlanPage:
    subscription: Subscription | None
    version: PlanVersion | None
    terms: Plan | None
    name: str
    currency: str
    since: datetime | None
    period: Period | None
    change: ScheduledChange | None
    change_name: str
    compared: Sequence[str]
    rows: Sequence[PlanRow]
    so_far: Sequence[tuple[str, Decimal]]
    others: Sequence[PlanRow]
    prices: Sequence[PriceRow]
    columns: Sequence[tuple[str, bool]]

    @property
    def mine(self) -> PlanRow | None:
        return next((row for row in self.rows if row.mine), None)

    @property
    def lowest(self) -> PlanRow | None:
        """The plan on which the compared months would have cost least."""
        return min(self.rows, key=lambda row: row.total, default=None) if self.compared else None


def plan_page(account: Account, at: datetime) -> PlanPage:
    """The page at `at`. Past months are priced by the `rate()` that invoices, plan price included."""
    subscription = running_subscription(account)
    version = version_at(subscription, at) if subscription else None
    plans = public_plans(account.currency)
    if version is not None and version.plan_id not in {one.plan_id for one in plans}:
        plans = [version, *plans]
    plans = [version if version is not None and one.plan_id == version.plan_id else one for one in plans]
    periods = _periods(account, at)
    past = [one for one in periods if one.end <= at][-MONTHS:]
    running = next((one for one in periods if one.start <= at < one.end), None)
    costs = [_costs(period, plans, period.end) for period in past]
    now = _costs(running, plans, at) if running else ()
    rows = _rows(plans, costs, version)
    change = scheduled_change(subscription) if subscription else None
    phase = subscription.phases.filter(end=None).first() if subscription else None
    return PlanPage(
        subscription=subscription,
        version=version,
        terms=plan_terms(version) if version else None,
        name=formats.text_of(version.name) if version else "",
        currency=account.currency,
        since=phase.start if phase else None,
        period=running,
        change=change,
        change_name=formats.text_of(change.version.name) if change and change.version else "",
        compared=[period_name(one.first_day, one.end_day) for one in past],
        rows=rows,
        so_far=[(formats.text_of(plan.name), cost) for plan, cost in zip(plans, now, strict=False)],
        others=[row for row in rows if not row.mine],
        prices=_prices([plan_terms(one) for one in plans]),
        columns=[(formats.text_of(one.name), version is not None and one.pk == version.pk) for one in plans],
    )


def _periods(account: Account, at: datetime) -> list[Period]:
    """The last closed periods and the running one, oldest first."""
    found = Period.objects.filter(account=account, trial=False, start__lt=at)
    recent = found.select_related("account", "subscription__account").order_by("-start")[: MONTHS + 1]
    return [one for one in recent if one.end > one.start][::-1]


@exact()
def _costs(period: Period, plans: Sequence[PlanVersion], until: datetime) -> tuple[Decimal, ...]:
    """Plan price and usage of `period` on each plan, all from one reading of the usage."""
    terms = [plan_terms(one) for one in plans]
    renamed = [replace(charge, code=_key(plan, charge)) for plan in terms for charge in plan.charges]
    end = min(until, period.end)
    usage = period_usage(period, [end], renamed)[end] if end > period.start else {}
    return tuple(_cost(plan, period, end, usage) for plan in terms)


def _cost(plan: Plan, period: Period, end: datetime, usage: Mapping[str, Usage]) -> Decimal:
    own = {charge.code: usage[key] for charge in plan.charges if (key := _key(plan, charge)) in usage}
    share = Fraction(period.days, period.full_days)
    lines = rate([Span(plan=plan, start=period.start, end=end, before={}, upto=own, share=share)])
    return sum((line.amount for line in lines), plan.base_price)


def _key(plan: Plan, charge: Charge) -> str:
    return f"{plan.code} {charge.code}"


def _rows(
    plans: Sequence[PlanVersion], costs: Sequence[tuple[Decimal, ...]], own: PlanVersion | None
) -> list[PlanRow]:
    totals = [sum((month[at] for month in costs), ZERO) for at in range(len(plans))]
    mine = next((at for at, one in enumerate(plans) if own is not None and one.pk == own.pk), None)
    return [
        PlanRow(
            code=version.plan.code,
            name=formats.text_of(version.name),
            base_price=version.base_price,
            interval=version.interval,
            mine=at == mine,
            costs=tuple(Cost(month[at], month[at] == min(month)) for month in costs),
            total=totals[at],
            difference=None if mine is None or at == mine else totals[at] - totals[mine],
        )
        for at, version in enumerate(plans)
    ]


def _prices(plans: Sequence[Plan]) -> list[PriceRow]:
    """Plan prices, then each charge with what it includes, one column for each plan."""
    rows = [
        PriceRow(
            gettext("Plan price"), tuple(formats.money(plan.base_price, plan.currency) for plan in plans)
        )
    ]
    keys = list(dict.fromkeys((charge.meter, charge.code) for plan in plans for charge in plan.charges))
    for meter, code in keys:
        charges = [
            next((one for one in plan.charges if (one.meter, one.code) == (meter, code)), None)
            for plan in plans
        ]
        siblings = len({other for known, other in keys if known == meter})
        name = next(prices.charge_name(one, siblings) for one in charges if one)
        words = [
            prices.price_words(one, plan.currency) if one else formats.DASH
            for one, plan in zip(charges, plans, strict=True)
        ]
        rows.append(PriceRow(name, tuple(words)))
        free = [prices.included(one) if one else None for one in charges]
        if any(free):
            cells = tuple(formats.quantity(one) if one else formats.DASH for one in free)
            rows.append(PriceRow(gettext("included"), cells, sub=True))
    return rows
