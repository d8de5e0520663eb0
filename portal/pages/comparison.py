"""What the account's own usage would have cost on each plan that it may choose, and on its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext

from accounts.models import Account
from billing.plans.models import PlanVersion
from billing.plans.queries import plan_terms
from billing.pricing.dates import DAY, local_date, local_midnight
from billing.pricing.money import ZERO, exact
from billing.usage.simulation import Simulation, Unpriced, simulate_all
from portal import dates, formats
from portal.pages.periods import period_name, recent_periods

RECENT_DAYS: Final = 30
"""What is compared while there is no billing period."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan for the compared days: its price for them, usage, minimums (of charges and of the plan), together.

    `difference` is against the plan that the account is on, None for that one. `lacking` says in words which used
    meters it does not include: such a plan is never the lowest, unless the account is on it.
    """

    code: str
    name: str
    base_price: Decimal
    interval: str
    mine: bool
    base: Decimal
    usage: Decimal
    minimum: Decimal
    total: Decimal
    difference: Decimal | None
    lacking: tuple[str, ...]
    lowest: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """`rows` are the plans in the order given, for the days named `span`; `running`: these go on."""

    span: str
    running: bool
    rows: tuple[PlanRow, ...]

    @property
    def mine(self) -> PlanRow | None:
        return next((row for row in self.rows if row.mine), None)

    @property
    def lowest(self) -> PlanRow | None:
        return next((row for row in self.rows if row.lowest), None)

    @property
    def has_minimums(self) -> bool:
        return any(row.minimum for row in self.rows)


def compare_plans(
    account: Account, versions: Sequence[PlanVersion], own: PlanVersion | None, at: datetime
) -> Comparison | None:
    """`versions` on the usage of the last whole billing period, else of the running one, else of the last 30 days.

    None for an account that never had a subscription: it has no usage.
    """
    found = _span(account, at)
    if found is None or not versions:
        return None
    start, end, name = found
    simulations = simulate_all(account, versions, start, end, own=recent_periods(account))
    priced = {charge.meter for version in versions for charge in plan_terms(version).charges}
    mine = next((each for each in simulations if own is not None and each.version.pk == own.pk), None)
    lacking = [[one for one in each.unpriced if one.meter in priced] for each in simulations]
    eligible = [
        each for each, missing in zip(simulations, lacking, strict=True) if each is mine or not missing
    ]
    lowest = min(eligible, key=lambda each: (each.total, each is not mine), default=None)
    return Comparison(
        span=name,
        running=end == at,
        rows=tuple(
            _row(each, mine, lacking=lacking_words(missing), lowest=each is lowest)
            for each, missing in zip(simulations, lacking, strict=True)
        ),
    )


def _span(account: Account, at: datetime) -> tuple[datetime, datetime, str] | None:
    """The compared days: [start, end) and their name."""
    periods = [one for one in recent_periods(account) if one.start < at and one.start < one.end]
    last = next((one for one in periods if not one.trial and one.end <= at), None)
    running = next((one for one in periods if not one.trial and one.end > at), None)
    if last is not None:
        return last.start, last.end, period_name(last.first_day, last.end_day)
    today = local_date(at, account.timezone)
    if running is not None:
        return running.start, at, dates.span(running.first_day, today)
    if not periods:
        return None
    first = today - DAY * (RECENT_DAYS - 1)
    return local_midnight(first, account.timezone), at, dates.span(first, today)


@exact()
def _row(each: Simulation, mine: Simulation | None, *, lacking: tuple[str, ...], lowest: bool) -> PlanRow:
    lines = [line for period in each.periods for line in period.base]
    base = sum((line.amount for line in lines), ZERO)
    usage = sum((period.usage_total for period in each.periods), ZERO)
    return PlanRow(
        code=each.version.plan.code,
        name=formats.text_of(each.version.name),
        base_price=each.version.base_price,
        interval=each.version.interval,
        mine=each is mine,
        base=base,
        usage=usage,
        minimum=each.total - base - usage,
        total=each.total,
        difference=None if mine is None or each is mine else each.total - mine.total,
        lacking=lacking,
        lowest=lowest,
    )


def lacking_words(missing: Sequence[Unpriced]) -> tuple[str, ...]:
    """ "does not include images", "includes only some of API calls"."""
    phrases = [
        (gettext("does not include %(meters)s"), [one for one in missing if not one.partly]),
        (gettext("includes only some of %(meters)s"), [one for one in missing if one.partly]),
    ]
    return tuple(
        words % {"meters": ", ".join(formats.text_of(one.name) for one in meters)}
        for words, meters in phrases
        if meters
    )
