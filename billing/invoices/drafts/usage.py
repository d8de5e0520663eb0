"""Lines of used quantities: usage, what is missing to a charge's minimum, and what a limit waives."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from billing.invoices.drafts.lines import DraftLine, Taxes
from billing.limits.queries import clamp
from billing.plans.lines import by_language
from billing.plans.models import Meter, Period
from billing.plans.queries import plan_terms, spans_in
from billing.pricing.charges import Charge, Plan
from billing.pricing.lines import Line
from billing.pricing.money import ZERO, plain
from billing.pricing.waivers import Used, Waived, waived_by_tax
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
    waivers = clamp(rated).waivers
    if waivers:
        used = [Used(each.line.meter, each.line.amount, each.tax) for each in usage]
        for part in waived_by_tax(used, waivers, rated.period.account.currency):
            yield _waiver(rated.period, part, usage[part.last])


def _waiver(period: Period, waived: Waived, last: DraftLine) -> DraftLine:
    line = Line(
        kind="limit_waiver",
        charge=None,
        meter=waived.meter,
        name=by_language(lambda language: _("Overrun after your limit, waived")),
        unit={},
        start=period.start,
        end=last.line.end,
        quantity=ZERO,
        amount=-waived.amount,
        exact_amount=-waived.amount,
        plan=last.line.plan,
        version=last.line.version,
        tax=waived.tax.code,
    )
    return DraftLine(line=line, tax=waived.tax, period=period, version=last.version)
