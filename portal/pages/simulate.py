"""The simulator: the account's last months, with more or less usage, on any plan open to it, under any limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.db.models import Sum
from django.utils.translation import gettext

from accounts.models import Account
from billing.invoices.models import InvoiceLine
from billing.plans.models import Period, PlanVersion
from billing.plans.queries import plan_terms, public_plans, version_at
from billing.pricing.dates import DAY
from billing.pricing.money import ZERO, exact
from billing.usage.days import MICROSECOND, day_of
from billing.usage.simulation import Moved, SimulatedPeriod, Simulation, simulate
from portal import dates, formats
from portal.pages.comparison import lacking_words
from portal.pages.periods import ended_before, period_name, plan_of

MONTHS: Final = 12
"""The most billing periods that are looked back at."""
MOST: Final = 300
"""Percent of what was used, the most that a slider goes to."""
USE: Final = "use."
"""Before a meter's code in the address."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for. `percents`: meter -> whole percent of its usage; `limit` None: none. `errors` as in the form;
    what was typed is kept.
    """

    periods: int
    plan: str
    percents: Mapping[str, int]
    limit: Decimal | None
    action: str
    typed: Mapping[str, str]
    errors: tuple[tuple[str, str], ...] = ()

    @property
    def moved(self) -> Moved:
        factors = {meter: Decimal(percent) / 100 for meter, percent in self.percents.items()}
        return Moved(factors, self.limit, self.action == "stop")


@dataclass(frozen=True, slots=True)
class Slider:
    """A meter's slider: its name in the address, the meter's name, and the percent as typed."""

    name: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A period of the simulated plan beside what the same days were invoiced at (before tax, coupons and credits).

    `real` None: nothing of it is invoiced. `waived`: what a real limit took off then, zero or less, in `real`.
    """

    name: str
    base: Decimal
    usage: Decimal
    minimum: Decimal
    refused: Decimal
    reached: date | None
    total: Decimal
    real: Decimal | None
    waived: Decimal

    @property
    def difference(self) -> Decimal | None:
        return None if self.real is None else self.total - self.real

    @property
    def saved(self) -> Decimal:
        """How much less than was invoiced."""
        return -(self.difference or ZERO)


@dataclass(frozen=True, slots=True)
class SimulatePage:
    """`unmoved`: the account's own plan with its usage as it was and no limit; `agrees`: then each month is what was
    invoiced before waivers.
    """

    asked: Asked
    currency: str
    available: int
    plans: Sequence[tuple[str, str, bool]]
    sliders: Sequence[Slider]
    rows: Sequence[MonthRow]
    total: MonthRow | None
    span: str
    plan_name: str
    lacking: Sequence[str]
    unmoved: bool
    agrees: bool

    @property
    def has_minimums(self) -> bool:
        return any(row.minimum for row in self.rows)

    @property
    def limit_typed(self) -> str:
        return self.asked.typed.get("", "")


def simulate_page(account: Account, asked: Asked, at: datetime) -> SimulatePage:
    """The answer; without rows where no billing period has ended yet, or the account never had a plan."""
    versions = open_plans(account, at)
    ended = ended_periods(account, at)
    chosen = next((one for one in versions if one.plan.code == asked.plan), versions[0] if versions else None)
    periods = ended[: asked.periods][::-1]
    found = None
    if chosen is not None and periods:
        found = simulate(account, chosen, periods[0].start, periods[-1].end, asked.moved, periods)
    rows = _rows(found, periods) if found else []
    own = _own(account, at)
    unmoved = asked.moved.nothing and chosen is not None and chosen == own
    return SimulatePage(
        asked=asked,
        currency=account.currency,
        available=len(ended),
        plans=[
            (one.plan.code, formats.text_of(one.name), chosen is not None and one.pk == chosen.pk)
            for one in versions
        ],
        sliders=sliders(versions, asked),
        rows=rows,
        total=_total(rows),
        span=dates.span(periods[0].first_day, periods[-1].end_day - DAY) if periods else "",
        plan_name=formats.text_of(chosen.name) if chosen else "",
        lacking=lacking_words(found.unpriced) if found else (),
        unmoved=unmoved,
        agrees=unmoved and all(row.real is not None and row.total == row.real - row.waived for row in rows),
    )


def open_plans(account: Account, at: datetime) -> list[PlanVersion]:
    """The account's own version first, then the public plans in its currency."""
    own = _own(account, at)
    others = [one for one in public_plans(account.currency) if own is None or one.plan_id != own.plan_id]
    return [own, *others] if own else others


def _own(account: Account, at: datetime) -> PlanVersion | None:
    running = plan_of(account)
    return version_at(running, at) if running else None


def ended_periods(account: Account, at: datetime) -> list[Period]:
    """The account's last paid periods that have ended, newest first, at most a year of months: each begins where the
    one before it ended.
    """
    found = list[Period]()
    for row in ended_before(account, at, MONTHS):
        if found and row.end != found[-1].start:
            break
        found.append(row)
    return found


def sliders(versions: Sequence[PlanVersion], asked: Asked) -> list[Slider]:
    """One for each meter that a plan prices, in the order of the plans."""
    named: dict[str, str] = {}
    for version in versions:
        for charge in plan_terms(version).charges:
            named.setdefault(charge.meter, formats.text_of(charge.name))
    return [
        Slider(f"{USE}{code}", name, asked.typed.get(code, str(asked.percents.get(code, 100))))
        for code, name in named.items()
    ]


@exact()
def _rows(found: Simulation, periods: Sequence[Period]) -> list[MonthRow]:
    """A row for each simulated period, with what the account's own periods that begin in it were invoiced at."""
    real = _invoiced(periods)
    rows = list[MonthRow]()
    for one in found.periods:
        inside = [period for period in periods if one.start <= period.start < one.end]
        known = [real[period.pk] for period in inside if period.pk in real]
        rows.append(
            _row(
                one,
                sum((amount for amount, _ in known), ZERO) if len(known) == len(inside) > 0 else None,
                sum((waived for _, waived in known), ZERO),
                inside[0].timezone if inside else periods[0].timezone,
            )
        )
    return rows


def _row(one: SimulatedPeriod, real: Decimal | None, waived: Decimal, zone: str) -> MonthRow:
    base = sum((line.amount for line in one.base), ZERO)
    first, last = day_of(zone, one.start), day_of(zone, one.end - MICROSECOND)
    return MonthRow(
        name=period_name(first, last + DAY),
        base=base,
        usage=one.usage_total,
        minimum=one.subtotal + one.refused - base - one.usage_total,
        refused=-one.refused,
        reached=one.reached,
        total=one.subtotal,
        real=real,
        waived=waived,
    )


def _invoiced(periods: Sequence[Period]) -> dict[int, tuple[Decimal, Decimal]]:
    """Of each invoiced period the sum of its lines on all documents, and what of it is waivers (zero or less)."""
    lines = InvoiceLine.objects.filter(period__in=[one.pk for one in periods], credited=None)
    sums = {
        (row["period"], row["kind"]): row["sum"]
        for row in lines.order_by().values("period", "kind").annotate(sum=Sum("amount"))
    }
    closed = {one.pk for one in periods if one.closed_at}
    return {
        pk: (
            sum((amount for (period, _kind), amount in sums.items() if period == pk), ZERO),
            sums.get((pk, "limit_waiver"), ZERO),
        )
        for pk in closed
    }


@exact()
def _total(rows: Sequence[MonthRow]) -> MonthRow | None:
    if not rows:
        return None
    known = [row.real for row in rows if row.real is not None]
    return MonthRow(
        name=gettext("Total"),
        base=sum((row.base for row in rows), ZERO),
        usage=sum((row.usage for row in rows), ZERO),
        minimum=sum((row.minimum for row in rows), ZERO),
        refused=sum((row.refused for row in rows), ZERO),
        reached=None,
        total=sum((row.total for row in rows), ZERO),
        real=sum(known, ZERO) if len(known) == len(rows) else None,
        waived=sum((row.waived for row in rows), ZERO),
    )
