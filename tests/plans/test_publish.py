"""Drafts become versions, and versions stay as they are, whoever asks."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.plans.actions import load_catalog, publish
from billing.plans.errors import AlreadyPublished
from billing.plans.models import Charge, Meter, Plan, PlanVersion
from billing.plans.queries import latest_version, plan_terms
from billing.pricing.parse import CatalogError
from tests.plans.selling import CHARGE, catalog, plan

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def draft(db: None, _installation_scope: None) -> PlanVersion:
    """A draft of a plan that nobody has published yet."""
    load_catalog(catalog(plan("other", "1.00")))
    version = PlanVersion.objects.create(
        plan=Plan.objects.create(code="team"),
        number=1,
        name={"en": "Team"},
        currency="EUR",
        base_price="49.00",
    )
    terms = {"tiers": CHARGE["tiers"]}
    Charge.objects.create(
        version=version,
        code="tokens",
        meter=Meter.objects.get(),
        model="graduated",
        where={"region": ["eu"]},
        terms=terms,
    )
    return PlanVersion.objects.get(pk=version.pk)


def test_publishing_freezes_the_terms(draft: PlanVersion) -> None:
    before = plan_terms(draft)
    assert latest_version(draft.plan) is None
    grown = publish(draft)
    assert latest_version(draft.plan) == draft
    assert plan_terms(draft) == before
    assert before.charges[0].where == {"region": ("eu",)}
    assert [(meter.code, meter.priced_dimensions) for meter in grown] == [("output_tokens", ["region"])]


def test_terms_outlive_a_change_of_the_meters_name(draft: PlanVersion) -> None:
    publish(draft)
    Meter.objects.update(name={"en": "Something else"})
    fresh = PlanVersion.objects.get(pk=draft.pk)
    assert plan_terms(fresh).charges[0].name["en"] == "Output tokens"


def test_a_faulty_draft_is_refused_with_every_fault(draft: PlanVersion) -> None:
    PlanVersion.objects.filter(pk=draft.pk).update(base_price="0.001", tax="nowhere")
    Charge.objects.filter(version=draft).update(model="volumes", where={"colour": ["red"]})
    with pytest.raises(CatalogError) as caught:
        publish(draft)
    assert {fault.path for fault in caught.value.problems} >= {
        "base_price",
        "tax",
        "charges[0].model",
        "charges[0].where.colour",
    }
    assert not PlanVersion.objects.filter(pk=draft.pk, published_at__isnull=False).exists()


def test_it_is_published_once(draft: PlanVersion) -> None:
    publish(draft)
    with pytest.raises(AlreadyPublished):
        publish(draft)


def test_a_draft_that_was_overtaken_gets_the_next_number(draft: PlanVersion) -> None:
    load_catalog({"catalog": 1, "plans": [plan("team", "59.00")]})
    assert [version.number for version in PlanVersion.objects.filter(plan__code="team")] == [1, 2]
    publish(draft)
    assert (draft.number, latest_version(draft.plan)) == (3, draft)


CHANGES: dict[str, Callable[[PlanVersion], Any]] = {
    "another price": lambda version: PlanVersion.objects.filter(pk=version.pk).update(base_price=1),
    "taking it back": lambda version: PlanVersion.objects.filter(pk=version.pk).update(published_at=None),
    "deleting it": lambda version: PlanVersion.objects.filter(pk=version.pk).delete(),
    "another charge price": lambda version: version.charges.update(terms={"tiers": []}),
    "a charge more": lambda version: Charge.objects.create(
        version=version, code="more", meter=Meter.objects.get(), model="per_unit", terms={"unit_price": "9"}
    ),
    "a charge less": lambda version: version.charges.all().delete(),
    "a charge to another version": lambda version: version.charges.update(
        version=PlanVersion.objects.create(plan=version.plan, number=9, name={}, currency="EUR")
    ),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_a_published_version_never_changes(draft: PlanVersion, change: str) -> None:
    publish(draft)
    with pytest.raises(IntegrityError, match="publish the next one") as caught, transaction.atomic():
        CHANGES[change](draft)
    assert getattr(caught.value.__cause__, "sqlstate", "") == "23001"


def test_a_draft_may_change_and_go(draft: PlanVersion) -> None:
    draft.charges.update(terms={"unit_price": "1"})
    PlanVersion.objects.filter(pk=draft.pk).update(base_price=1)
    draft.delete()
    assert not Charge.objects.filter(version=draft.pk).exists()
