"""Plan versions' terms and service periods of a proof, from JSON."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Final

from billing.pricing.catalog import MeterDef
from billing.pricing.charges import Plan
from billing.pricing.clamp import Action, LimitVersion
from billing.pricing.parse import CatalogError, meter_from_data, plan_from_data
from billing.pricing.proration import share
from billing.proof.facts import Days, Kept, PeriodFacts, Version
from billing.proof.reading import MAX_DAYS, Fields, NotAProof
from billing.proof.tally import Stretch

KEPT: Final[tuple[Kept, ...]] = ("all", "purged", "corrected")

type Terms = Mapping[Version, tuple[Plan, Mapping[str, MeterDef]]]


def terms_from(fields: Fields) -> Terms:
    """Each plan version with its meters by code."""
    found: dict[Version, tuple[Plan, Mapping[str, MeterDef]]] = {}
    for name in fields.value:
        version, own = _version_of(name, fields.path), fields.child(name)
        try:
            meters = {code: meter_from_data(data) for code, data in own.child("meters").value.items()}
            plan = plan_from_data(own.child("plan").value, meters, version=version[1])
        except CatalogError as error:
            raise NotAProof(f"{fields.path}.{name}: {str(error)[:300]}") from error
        if plan.code != version[0]:
            raise NotAProof(f"{fields.path}.{name}: these are terms of {plan.code[:100]}.")
        found[version] = plan, meters
    return found


def _version_of(name: str, path: str) -> Version:
    code, _, number = name.rpartition("@")
    if not code or not (number.isascii() and number.isdecimal()) or len(number) > 9:
        raise NotAProof(f"{path}: {name[:100]} names no plan version, such as team@1.")
    return code, int(number)


def version_from(fields: Fields, plans: Terms) -> Version:
    """The plan version that an object names; its terms must be there."""
    version = _version_of(fields.text("version"), f"{fields.path}.version")
    if version not in plans:
        fields.fault("version", "a plan version of terms.json")
    return version


def days_from(fields: Fields, plans: Terms) -> Days:
    """Days at a base price."""
    days = Days(
        version_from(fields, plans),
        fields.day("first_day"),
        fields.day("end_day"),
        fields.whole("full_days", MAX_DAYS),
        fields.boolean("back"),
    )
    _share(days.first_day, days.end_day, days.full_days, fields)
    return days


def _share(first_day: date, end_day: date, full_days: int, fields: Fields) -> Fraction:
    try:
        return share((end_day - first_day).days, full_days)
    except ValueError:
        fields.fault("first_day", "a stretch of the period's days")


def period_from(fields: Fields, plans: Terms) -> PeriodFacts:
    """A period whose stretches tile it."""
    full_days = fields.whole("full_days", MAX_DAYS)
    spans = list(fields.children("spans"))
    stretches = tuple(_stretch(one, plans, full_days) for one in spans)
    start, end = fields.instant("start"), fields.instant("end")
    cuts = [start, *(each.end for each in stretches)]
    # A trial is free, usage included: it has none.
    if stretches and ([each.start for each in stretches] != cuts[:-1] or cuts[-1] != end):
        fields.fault("spans", "a row of stretches from its start to its end")
    if fields.instant("full_start") >= fields.instant("full_end"):
        fields.fault("full_end", "an instant after full_start")
    base = fields.child_or_none("base")
    return PeriodFacts(
        key=fields.text("key"),
        start=start,
        end=end,
        full_start=fields.instant("full_start"),
        full_end=fields.instant("full_end"),
        timezone=fields.text("timezone"),
        stretches=stretches,
        base=days_from(base, plans) if base else None,
        changes=tuple(days_from(one, plans) for one in fields.children("changes")),
        limits={
            one.text_or_none("meter"): tuple(_limit(each) for each in one.children("versions"))
            for one in fields.children("limits")
        },
        continues=fields.text_or_none("continues"),
        events=next(one for one in KEPT if one == fields.one_of("events", *KEPT)),
    )


def _stretch(fields: Fields, plans: Terms, full_days: int) -> Stretch:
    plan, meters = plans[version_from(fields, plans)]
    start, end = fields.instant("start"), fields.instant("end")
    if start >= end:
        fields.fault("end", "an instant after its start")
    part = _share(fields.day("first_day"), fields.day("end_day"), full_days, fields)
    return Stretch(plan, meters, start, end, part)


def _limit(fields: Fields) -> LimitVersion:
    action: Action = "stop" if fields.one_of("action", "stop", "notify") == "stop" else "notify"
    return LimitVersion(
        fields.instant("since"),
        fields.decimal_or_none("amount"),
        action,
        fields.decimal("usage_at_start"),
        fields.decimal("payable_at_start"),
    )
