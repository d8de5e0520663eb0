"""Drafts: the next version of a plan, to be edited and published by staff."""

from django.db import transaction

from billing.plans.actions.publish import next_number
from billing.plans.models import Charge, Plan, PlanVersion

TERMS = ("name", "currency", "interval", "base_price", "minimum_spend", "trial_days", "tax")


@transaction.atomic
def new_draft(plan: Plan) -> PlanVersion:
    """A draft that starts as a copy of the plan's newest version, draft or published; without one it is empty."""
    newest = plan.versions.order_by("-number").first()
    number = next_number(plan)
    if newest is None:
        return PlanVersion.objects.create(plan=plan, number=number, name={"en": plan.code}, currency="EUR")
    terms = {name: getattr(newest, name) for name in TERMS}
    draft = PlanVersion.objects.create(plan=plan, number=number, **terms)
    Charge.objects.bulk_create(
        Charge(
            version=draft,
            position=charge.position,
            code=charge.code,
            meter_id=charge.meter_id,
            model=charge.model,
            where=charge.where,
            terms=charge.terms,
        )
        for charge in newest.charges.all()
    )
    return draft
