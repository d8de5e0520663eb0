"""A period's usage, priced: what the live figure, limits, previews and invoices all start from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Final

from django.utils import timezone

from accounts.reading import once, reads
from billing.plans.models import Period
from billing.plans.queries import phases, plan_terms, span_share, spans_in
from billing.pricing.charges import NO_USAGE, Charge, Plan, Usage
from billing.pricing.money import ZERO, exact
from billing.pricing.price import price
from billing.pricing.rate import Line, rate
from billing.pricing.spans import Span
from billing.usage.days import day_bounds, days_between
from billing.usage.reading.upto import Question, usages_upto

NONE_YET: Final[Mapping[str, Usage]] = {}


@dataclass(frozen=True, slots=True)
class RatedPeriod:
    """`lines` are usage and minimum lines; `usage_total` is the sum of the usage lines, before waivers.

    `until`: only usage before it is priced; None: all that is stored for the period.
    """

    period: Period
    spans: tuple[Span, ...]
    lines: tuple[Line, ...]
    usage_total: Decimal
    until: datetime | None


def rate_period(
    period: Period,
    until: datetime | None = None,
    *,
    as_of: datetime | None = None,
    arrived_by: datetime | None = None,
) -> RatedPeriod:
    """Price the usage of `period`, or of its part before `until`.

    For the figure of now leave `until` out: whole days then come from day totals alone, however busy the day is, and
    levels that are still held count up to `as_of` (now).
    Minimums are those of the whole stretch on a plan version, as they stand if no more usage comes.
    `arrived_by` leaves out what was stored later: where the period stood at that instant.
    """
    stretches = [
        Stretch(plan_terms(version), start, _end(end, until), span_share(period, start, end))
        for version, start, end in spans_in(period)
        if until is None or start < until
    ]
    levels_until = _so_far(period, as_of) if until is None else None
    spans = tuple(_span(period, stretch, levels_until, arrived_by) for stretch in stretches)
    lines = rate(spans)
    usage = [line.amount for line in lines if line.kind == "usage"]
    with exact():
        return RatedPeriod(period, spans, lines, sum(usage, ZERO), until)


def daily_costs(
    period: Period,
    until: datetime | None = None,
    *,
    as_of: datetime | None = None,
    rated: RatedPeriod | None = None,
) -> list[tuple[date, dict[str, Decimal]]]:
    """What each local day of the period, up to `until`, added to the exact cost of each charge.

    Prices are of the whole period so far, so a day's cost is a difference; it may be negative where usage or a
    volume price fell. The days of a charge sum to its exact cost, unrounded; minimums are no usage and left out.
    Local days are those of the zone that the period was opened in. Levels count up to `as_of` (now) in an open period.
    `rated` spares reading the plan's stretches, if the whole period was priced already.
    """
    levels_until = _so_far(period, as_of)
    end = _end(period.end, until)
    days = days_between(period.timezone, period.start, end)
    costs: dict[date, dict[str, Decimal]] = {day: {} for day in days}
    if rated is not None:
        stretches = [(span.plan, span.start, span.end) for span in rated.spans]
    else:
        stretches = [(plan_terms(version), start, span_end) for version, start, span_end in spans_in(period)]
    for plan, start, span_end in stretches:
        if start < end:
            _add_costs(costs, period, plan, (start, min(span_end, end)), levels_until)
    return list(costs.items())


@exact()
def costs_between(period: Period, cuts: Sequence[datetime], meter: str | None = None) -> list[Decimal]:
    """What each [cut, next cut) added to the exact cost of the charges, or of those on `meter`: as `daily_costs`.

    `cuts` ascend and lie in the period. Their sum is the exact cost at the last cut less that at the first one.
    """
    costs = [ZERO] * (len(cuts) - 1)
    levels_until = _so_far(period, None)
    for version, start, end in spans_in(period):
        charges = [charge for charge in plan_terms(version).charges if meter in (None, charge.meter)]
        inside = [min(max(cut, start), end) for cut in cuts]
        if not charges or inside[0] == inside[-1]:
            continue
        usage = period_usage(period, sorted(set(inside)), charges, levels_until)
        for charge in charges:
            prices = {cut: price(charge, usage[cut].get(charge.code, NO_USAGE)).exact for cut in usage}
            for place, (cut, following) in enumerate(pairwise(inside)):
                costs[place] += prices[following] - prices[cut]
    return costs


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a period on one plan version; `share` is its local days over the full period's."""

    plan: Plan
    start: datetime
    end: datetime
    share: Fraction


def _so_far(period: Period, as_of: datetime | None) -> datetime | None:
    """Up to when levels count in an open period; all of it once it is closed."""
    return (as_of or timezone.now()) if period.closed_at is None else None


def _end(end: datetime, until: datetime | None) -> datetime:
    return end if until is None else min(end, until)


def _span(
    period: Period, stretch: Stretch, levels_until: datetime | None, arrived_by: datetime | None
) -> Span:
    cuts = [stretch.start, stretch.end]
    usage = period_usage(period, cuts, stretch.plan.charges, levels_until, arrived_by)
    return Span(
        plan=stretch.plan,
        start=stretch.start,
        end=stretch.end,
        before=usage[stretch.start],
        upto=usage[stretch.end],
        share=stretch.share,
    )


def period_usage(
    period: Period,
    cuts: Sequence[datetime],
    charges: Sequence[Charge],
    levels_until: datetime | None = None,
    arrived_by: datetime | None = None,
) -> dict[datetime, dict[str, Usage]]:
    """`usage_upto` of a period.

    In one reading (accounts/reading.py) days are read along with the first cuts: mostly both are wanted.
    """
    levels_until = _levels_until(charges, levels_until)
    known = known_usage(period, levels_until, arrived_by)
    if known is None:
        return usages_upto([_question(period, cuts, charges, levels_until, arrived_by)])[0]
    found = _found(known, charges, cuts)
    if found is not None:
        return found
    with_days = [*cuts, *_days_along(period, charges)]
    (usage,) = usages_upto([_question(period, with_days, charges, levels_until, arrived_by)])
    known.append((tuple(charges), usage))
    return usage


@dataclass(frozen=True, slots=True)
class Asked:
    """What `rate_period` will be asked: of a period, as far as `until` or as it stands at `as_of`."""

    period: Period
    until: datetime | None = None
    as_of: datetime | None = None


def usage_ahead(asked: Sequence[Asked]) -> None:
    """In a reading: have the usage that rating the periods takes in memory, what is not yet read together."""
    if not reads():
        return
    phases.ahead(each.period.subscription_id for each in asked if not each.period.trial)
    questions, places = list[Question](), list[Known | None]()
    for each in asked:
        levels_until = _so_far(each.period, each.as_of) if each.until is None else None
        for version, start, end in spans_in(each.period):
            if each.until is not None and start >= each.until:
                continue
            charges = plan_terms(version).charges
            own, cuts = _levels_until(charges, levels_until), [start, _end(end, each.until)]
            known = known_usage(each.period, own, None)
            if known is None or _found(known, charges, cuts) is None:
                with_days = [*cuts, *_days_along(each.period, charges)]
                questions.append(_question(each.period, with_days, charges, own))
                places.append(known)
    for question, known, usage in zip(questions, places, usages_upto(questions), strict=True):
        if known is not None:
            known.append((tuple(question.charges), usage))


def _levels_until(charges: Iterable[Charge], levels_until: datetime | None) -> datetime | None:
    """Only levels over time ask for it, so that other usage is one answer for all instants."""
    return levels_until if any(charge.aggregation == "time_weighted" for charge in charges) else None


type Known = list[tuple[tuple[Charge, ...], dict[datetime, dict[str, Usage]]]]


@once
def known_usage(period: Period, levels_until: datetime | None, arrived_by: datetime | None) -> Known | None:
    """What this reading knows of a period's usage, to be added to; None outside of one."""
    return [] if reads() else None


def _found(
    known: Known, charges: Sequence[Charge], cuts: Iterable[datetime]
) -> dict[datetime, dict[str, Usage]] | None:
    """What is known of the same charges at all of the cuts."""
    asked, wanted = tuple(charges), set(cuts)
    return next((usage for same, usage in known if same == asked and usage.keys() >= wanted), None)


def _days_along(period: Period, charges: Iterable[Charge]) -> list[datetime]:
    """The ends of its local days, the last one maybe cut short; none where each event is an amount of its own."""
    if any(charge.model == "percentage" for charge in charges):
        return []
    days = days_between(period.timezone, period.start, period.end)
    return [min(day_bounds(period.timezone, day)[1], period.end) for day in days]


def _question(
    period: Period,
    cuts: Sequence[datetime],
    charges: Sequence[Charge],
    levels_until: datetime | None = None,
    arrived_by: datetime | None = None,
) -> Question:
    full = period.full_start, period.full_end
    return Question(period.account, period.start, cuts, charges, full, levels_until, arrived_by)


@exact()
def _add_costs(
    costs: dict[date, dict[str, Decimal]],
    period: Period,
    plan: Plan,
    stretch: tuple[datetime, datetime],
    levels_until: datetime | None,
) -> None:
    """Add what `plan` costs on each day of the stretch. A fall below zero of the whole of it is not billed."""
    start, end = stretch
    days = days_between(period.timezone, start, end)
    cuts = [min(day_bounds(period.timezone, day)[1], end) for day in days]
    usage = period_usage(period, [start, *cuts], plan.charges, levels_until)
    for charge in plan.charges:
        before = usage[start].get(charge.code, NO_USAGE)
        running, billed = price(charge, before).exact, ZERO
        for day, cut in zip(days, cuts, strict=True):
            upto = usage[cut].get(charge.code, NO_USAGE)
            if upto == before:  # and so is the price
                continue
            before, cost = upto, price(charge, upto).exact
            if cost != running:
                costs[day][charge.code] = costs[day].get(charge.code, ZERO) + cost - running
                billed += cost - running
            running = cost
        if billed < 0:
            costs[days[-1]][charge.code] = costs[days[-1]].get(charge.code, ZERO) - billed
