"""The catalogue: what is for sale, and the stored meters and plans as the catalogue file says them."""

from typing import Any

from django.db.models import OuterRef, Subquery

from billing.plans.models import Coupon, Meter, Plan, PlanVersion
from billing.plans.stored import coupon_def, known_taxes, meter_def
from billing.pricing.data import coupon_to_data, meter_to_data, tax_to_data

type Data = dict[str, Any]


def latest_version(plan: Plan) -> PlanVersion | None:
    """The version that new subscriptions get; None while nothing is published."""
    return plan.versions.exclude(published_at=None).order_by("-number").select_related("plan").first()


def public_plans(currency: str) -> list[PlanVersion]:
    """The newest version of each plan that customers may choose in `currency`, cheapest base price first."""
    return sorted(
        (
            version
            for version in _newest_versions()
            if version.currency == currency and version.plan.public and not version.plan.archived
        ),
        key=lambda version: (version.base_price, version.plan.code),
    )


def meters_data() -> list[Data]:
    """Every meter, with `created` ones last changed as stored: the words of the catalogue file."""
    return [meter_to_data(meter_def(meter)) for meter in Meter.objects.all()]


def plans_data() -> list[Data]:
    """Every plan with a published version: the newest one in the words of the catalogue file, and its number."""
    return [_plan_data(version) for version in _newest_versions()]


def catalog_data() -> Data:
    """The whole catalogue as a file would say it; each plan also has `version`, `published_at` is not shown."""
    return {
        "catalog": 1,
        "meters": meters_data(),
        "plans": plans_data(),
        "taxes": [tax_to_data(tax) for tax in known_taxes()],
        "coupons": [coupon_to_data(coupon_def(coupon)) for coupon in Coupon.objects.order_by("code")],
    }


def _plan_data(version: PlanVersion) -> Data:
    plan = {**version.terms["plan"], "public": version.plan.public, "archived": version.plan.archived}
    return {"code": plan.pop("code"), "version": version.number, **plan}


def _newest_versions() -> list[PlanVersion]:
    newest = (
        PlanVersion.objects.filter(plan=OuterRef("plan"), published_at__isnull=False)
        .order_by("-number")
        .values("pk")[:1]
    )
    return list(PlanVersion.objects.filter(pk=Subquery(newest)).select_related("plan").order_by("plan__code"))
