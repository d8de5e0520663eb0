"""Loading a catalogue file: all of it or nothing, and the same file again changes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from billing.plans.actions.publish import frozen_terms, price_dimensions, publish_terms
from billing.plans.models import Charge, Coupon, Meter, Plan, TaxRate
from billing.plans.queries.catalog import latest_version
from billing.plans.stored import known_meters, known_taxes, meter_columns
from billing.pricing.catalog import Catalog, CouponDef, MeterDef, TaxDef
from billing.pricing.charges import Plan as PlanTerms
from billing.pricing.parse import CatalogError, Problem, parse_catalog

LOAD_LOCK = 7301
"""Key of the advisory lock that lets one load follow the other; nothing else may use it."""

KEPT_WORDS = ("event_type", "aggregation", "value")
"""The words of a meter that say what stored usage amounts to: they stay."""


@dataclass(frozen=True, slots=True)
class CatalogChange:
    """`kind`: meter, tax, coupon or plan. `action`: added, changed, archived; of a plan also published (`version`)."""

    kind: str
    code: str
    action: str
    version: int | None = None

    def as_data(self) -> dict[str, object]:
        data: dict[str, object] = {"kind": self.kind, "code": self.code, "action": self.action}
        return data if self.version is None else {**data, "version": self.version}


@dataclass(slots=True)
class CatalogChanges:
    """What a load changed, in the file's order. `meters` are new, or have new priced dimensions: after the load
    billing/usage must make their day totals anew.
    """

    changes: list[CatalogChange] = field(default_factory=list)
    meters: list[Meter] = field(default_factory=list)

    def as_data(self) -> dict[str, object]:
        return {"changes": [change.as_data() for change in self.changes]}


@transaction.atomic
def load_catalog(data: object) -> CatalogChanges:
    """Bring the stored catalogue to what `data` (a catalogue file as plain data) says; what it leaves out stays.

    A plan whose terms differ from its newest version's gets the next one; running subscriptions stay on theirs.
    Raises `CatalogError` with every fault and its path; then nothing is changed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOAD_LOCK])
    catalog = check_catalog(data)
    changes = CatalogChanges()
    for tax in catalog.taxes:
        _store_tax(tax, changes)
    for coupon in catalog.coupons:
        _store_coupon(coupon, changes)
    for meter in catalog.meters:
        _store_meter(meter, changes)
    meters, rows = known_meters(), {meter.code: meter for meter in Meter.objects.all()}
    for plan in catalog.plans:
        _store_plan(plan, meters, rows, changes)
    changes.meters += [meter for meter in price_dimensions(catalog.plans) if meter not in changes.meters]
    return changes


def check_catalog(data: object) -> Catalog:
    """The catalogue of `data`, which may refer to what is stored. Raises `CatalogError` with every fault."""
    stored = known_meters()
    catalog, problems = parse_catalog(data, known_meters=stored, known_taxes=known_taxes())
    problems += _meter_faults(catalog, stored)
    if problems:
        raise CatalogError(problems)
    return catalog


def _meter_faults(catalog: Catalog, stored: Mapping[str, MeterDef]) -> Iterator[Problem]:
    """What the file would change of stored meters, although usage or published prices rest on it."""
    for index, meter in enumerate(catalog.meters):
        known = stored.get(meter.code)
        if known is None:
            continue
        for word in KEPT_WORDS:
            if getattr(meter, word) != getattr(known, word):
                yield Problem(
                    f"meters[{index}].{word}",
                    f"stays {getattr(known, word)!r}: stored usage would count differently. "
                    "Give the new meter a code of its own.",
                )
        missing = sorted(filtered_dimensions(meter.code) - set(meter.dimensions))
        if missing:
            yield Problem(
                f"meters[{index}].dimensions",
                f"must keep {', '.join(missing)}: prices of published plan versions filter on it.",
            )


def filtered_dimensions(meter_code: str) -> set[str]:
    """The dimensions of a meter that charges of published versions filter on."""
    charges = Charge.objects.filter(meter__code=meter_code, version__published_at__isnull=False)
    return {name for where in charges.values_list("where", flat=True) for name in where}


def _store_tax(tax: TaxDef, changes: CatalogChanges) -> None:
    row = TaxRate.objects.filter(code=tax.code, valid_from=tax.valid_from).first()
    columns = {
        "name": tax.name,
        "rate": tax.rate,
        "country": tax.country,
        "category": tax.category,
        "valid_to": tax.valid_to,
    }
    row = row or TaxRate(code=tax.code, valid_from=tax.valid_from)
    _store("tax", tax.code, row, columns, changes)


def _store_coupon(coupon: CouponDef, changes: CatalogChanges) -> None:
    columns = {
        "percent": coupon.percent,
        "amount": coupon.amount,
        "currency": coupon.currency or "",
        "periods": coupon.periods,
        "archived": coupon.archived,
    }
    row = Coupon.objects.filter(code=coupon.code).first() or Coupon(code=coupon.code)
    _store("coupon", coupon.code, row, columns, changes)


def _store_meter(meter: MeterDef, changes: CatalogChanges) -> None:
    row = Meter.objects.filter(code=meter.code).first() or Meter(code=meter.code)
    if row.pk is None:
        changes.meters.append(row)
    _store("meter", meter.code, row, meter_columns(meter), changes)


def _store_plan(
    terms: PlanTerms, meters: dict[str, MeterDef], rows: Mapping[str, Meter], changes: CatalogChanges
) -> None:
    plan = Plan.objects.filter(code=terms.code).first() or Plan(code=terms.code)
    _store("plan", terms.code, plan, {"public": terms.public, "archived": terms.archived}, changes)
    newest = latest_version(plan)
    if newest is None or newest.terms["plan"] != frozen_terms(terms, meters)["plan"]:
        version = publish_terms(plan, terms, meters, rows)
        changes.changes.append(CatalogChange("plan", terms.code, "published", version.number))


def _store(kind: str, code: str, row: Model, columns: dict[str, Any], changes: CatalogChanges) -> None:
    """Save `row` with these columns if that changes anything, and note it."""
    is_new = row.pk is None
    changed = [name for name, value in columns.items() if getattr(row, name) != value]
    if not is_new and not changed:
        return
    for name in changed:
        setattr(row, name, columns[name])
    row.save()
    archived = "archived" in changed and columns["archived"]
    changes.changes.append(
        CatalogChange(kind, code, "archived" if archived else "added" if is_new else "changed")
    )
