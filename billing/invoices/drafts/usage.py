"""Lines of used quantities: usage, what is missing to a charge's minimum, and what a limit waives."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from billing.invoices.drafts.lines import DraftLine, Taxes
from billing.limits.queries import Waiver, clamp
from billing.plans.lines import by_language
from billing.plans.models import Meter, Period, PlanVersion
from billing.plans.queries import plan_terms, spans_in
from billing.pricing.charges import Charge, Plan
from billing.pricing.lines import Line
from billing.pricing.money import ZERO, exact, plain
from billing.pricing.shares import largest_remainder
from billing.pricing.taxes import Tax
from billing.usage.queries import meters_by_code
from billing.usage.rating import RatedPeriod


def usage_lines(rated: RatedPeriod, taxes: Taxes) -> list[DraftLine]:
    """Usage, then minimums, then waivers of the rated period (contract, section 5)."""
    versions = {(v.plan.code, v.number): v for v, _start, _end in spans_in(rated.period)}
    meters = meters_by_code()
    metered = [
        DraftLine(
            line=line,
            tax=taxes.of(line.tax),
            period=rated.period,
            version=versions[line.plan, line.version],
            detail=_detail(line, plan_terms(versions[line.plan, line.version]), meters),
        )
        for line in rated.lines
    ]
    return [*metered, *_waivers(rated, metered)]


def _detail(line: Line, plan: Plan, meters: Mapping[str, Meter]) -> dict[str, Any]:
    charge = next(charge for charge in plan.charges if charge.code == line.charge)
    meter = meters.get(charge.meter)
    return {
        "plan_name": dict(plan.name),
        "plan_version": plan.version,
        "model": charge.model,
        "aggregation": charge.aggregation,
        "unit_code": meter.unit_code if meter else "C62",
        "bounds": [None if tier.up_to is None else plain(tier.up_to) for tier in charge.tiers],
        **_package(charge),
        **{f"before_{name}": value for name, value in (line.before.as_data() if line.before else {}).items()},
    }


def _package(charge: Charge) -> dict[str, str]:
    return {"package_size": plain(charge.package_size)} if charge.model == "package" else {}


def _waivers(rated: RatedPeriod, metered: Sequence[DraftLine]) -> Iterator[DraftLine]:
    """A line for each limit that waives something and each tax of the usage it waives.

    A waiver bears the taxes of what it takes back, in proportion; meters' limits clamp before the account's.
    """
    usage = [each for each in metered if each.line.kind == "usage"]
    left = {id(each): each.line.amount for each in usage}
    for waiver in clamp(rated).waivers:
        covered = [each for each in usage if waiver.meter in (None, each.line.meter)]
        by_tax: dict[Tax, Decimal] = {}
        with exact():
            for each in covered:
                by_tax[each.tax] = by_tax.get(each.tax, ZERO) + left[id(each)]
        currency = _plan_of(covered[-1]).currency
        for tax, part in _shared(waiver.amount, by_tax, currency).items():
            yield _waiver(rated.period, waiver, part, tax, covered[-1])
        if waiver.meter is not None:
            parts = largest_remainder(waiver.amount, [each.line.amount for each in covered], currency)
            for each, part in zip(covered, parts, strict=True):
                left[id(each)] -= part


def _shared(amount: Decimal, by_tax: Mapping[Tax, Decimal], currency: str) -> dict[Tax, Decimal]:
    parts = largest_remainder(amount, list(by_tax.values()), currency)
    return {tax: part for tax, part in zip(by_tax, parts, strict=True) if part}


def _waiver(period: Period, waiver: Waiver, amount: Decimal, tax: Tax, last: DraftLine) -> DraftLine:
    line = Line(
        kind="limit_waiver",
        charge=None,
        meter=waiver.meter,
        name=by_language(lambda language: _("Overrun after your limit, waived")),
        unit={},
        start=period.start,
        end=last.line.end,
        quantity=ZERO,
        amount=-amount,
        exact_amount=-amount,
        plan=last.line.plan,
        version=last.line.version,
        tax=tax.code,
    )
    return DraftLine(line=line, tax=tax, period=period, version=last.version)


def _plan_of(each: DraftLine) -> Plan:
    assert each.version is not None  # noqa: S101  # usage lines always have one
    version: PlanVersion = each.version
    return plan_terms(version)
