"""Publishing a plan version: from then on it never changes."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.plans.errors import AlreadyPublished
from billing.plans.models import Charge, Meter, Plan, PlanVersion
from billing.plans.stored import charge_columns, known_meters, known_taxes, version_data
from billing.pricing.catalog import MeterDef
from billing.pricing.charges import Plan as PlanTerms
from billing.pricing.data import meter_to_data, plan_to_data
from billing.pricing.parse import CatalogError, Problem, parse_catalog


@transaction.atomic
def publish(version: PlanVersion) -> list[Meter]:
    """Publish a draft; the meters whose priced dimensions grew, so that their day totals must be rebuilt.

    Raises `AlreadyPublished`, or `CatalogError` with every fault of the draft, its paths counted from the version.
    A draft that is older than the newest published version gets the next number.
    """
    draft = PlanVersion.objects.select_for_update(of=("self",)).select_related("plan").get(pk=version.pk)
    if draft.published_at is not None:
        raise AlreadyPublished(_("This version is published already."))
    terms, meters = check_draft(draft), known_meters()
    newest = draft.plan.versions.exclude(published_at=None).aggregate(newest=Max("number"))["newest"] or 0
    if draft.number < newest:
        draft.number = next_number(draft.plan)
    freeze(draft, terms, meters)
    version.refresh_from_db()
    return price_dimensions([terms])


def check_draft(draft: PlanVersion) -> PlanTerms:
    """The terms of a draft. Raises `CatalogError` with every fault."""
    data = {"catalog": 1, "plans": [version_data(draft)]}
    catalog, problems = parse_catalog(data, known_meters=known_meters(), known_taxes=known_taxes())
    if problems:
        raise CatalogError(Problem(fault.path.removeprefix("plans[0]."), fault.message) for fault in problems)
    return catalog.plans[0]


def publish_terms(
    plan: Plan, terms: PlanTerms, meters: dict[str, MeterDef], rows: Mapping[str, Meter]
) -> PlanVersion:
    """Store `terms`, which have been checked, as the next version of `plan`, and publish it."""
    version = PlanVersion.objects.create(
        plan=plan,
        number=next_number(plan),
        name=dict(terms.name),
        currency=terms.currency,
        interval=terms.interval,
        base_price=terms.base_price,
        minimum_spend=terms.minimum_spend,
        trial_days=terms.trial_days,
        tax=terms.tax or "",
    )
    Charge.objects.bulk_create(
        Charge(version=version, position=position, meter=rows[charge.meter], **charge_columns(charge, meters))
        for position, charge in enumerate(terms.charges)
    )
    freeze(version, terms, meters)
    return version


def freeze(version: PlanVersion, terms: PlanTerms, meters: Mapping[str, MeterDef]) -> None:
    """Write the terms down whole and publish them: triggers keep the version as it is from here on."""
    used = sorted({charge.meter for charge in terms.charges})
    version.terms = frozen_terms(terms, {code: meters[code] for code in used})
    content = json.dumps([version.plan.code, version.number, version.terms], sort_keys=True)
    version.digest = hashlib.sha256(content.encode()).hexdigest()
    version.published_at = timezone.now()
    version.save()


def frozen_terms(terms: PlanTerms, meters: Mapping[str, MeterDef]) -> dict[str, Any]:
    """{"plan", "meters"} in the catalogue file's words. What may change without a new version is left out."""
    plan = plan_to_data(terms, meters)
    return {
        "plan": {key: value for key, value in plan.items() if key not in {"public", "archived"}},
        "meters": {code: meter_to_data(meter) for code, meter in meters.items()},
    }


def next_number(plan: Plan) -> int:
    """The number of the next version, drafts counted too."""
    return (plan.versions.aggregate(last=Max("number"))["last"] or 0) + 1


def price_dimensions(plans: Iterable[PlanTerms]) -> list[Meter]:
    """Add what the charges of these plans filter on to their meters; the meters where that was something new."""
    wanted = dict[str, set[str]]()
    for charge in (charge for plan in plans for charge in plan.charges):
        wanted.setdefault(charge.meter, set()).update(charge.where)
    grown = []
    for meter in Meter.objects.select_for_update().filter(code__in=wanted):
        dimensions = sorted({*meter.priced_dimensions, *wanted[meter.code]})
        if dimensions != meter.priced_dimensions:
            meter.priced_dimensions = dimensions
            meter.save(update_fields=["priced_dimensions"])
            grown.append(meter)
    return grown
