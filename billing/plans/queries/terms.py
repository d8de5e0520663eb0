"""A plan version as the frozen value that pricing reads."""

from django.db import connection

from billing.plans.models import PlanVersion
from billing.plans.stored import known_meters, version_data
from billing.pricing.catalog import MeterDef
from billing.pricing.charges import Plan
from billing.pricing.parse import meter_from_data, plan_from_data

_CACHE_SIZE = 1000
_by_digest: dict[str, tuple[Plan, dict[str, MeterDef]]] = {}
_by_id: dict[tuple[str, int], Plan] = {}


def plan_terms(version: PlanVersion) -> Plan:
    """The terms of `version`, charges in order; a draft's as they stand now.

    Published terms never change, so they are kept in the process by the digest of their content. Raises
    `CatalogError` for a draft that does not hold together yet.
    """
    if not version.digest:
        return plan_from_data(version_data(version), known_meters(), version=version.number)
    return _published(version)[0]


def meters_as_published(version: PlanVersion) -> dict[str, MeterDef]:
    """By code, the meters of a published version as they were then."""
    return _published(version)[1]


def _published(version: PlanVersion) -> tuple[Plan, dict[str, MeterDef]]:
    found = _by_digest.get(version.digest)
    if found is None:
        meters = {code: meter_from_data(data) for code, data in version.terms["meters"].items()}
        found = plan_from_data(version.terms["plan"], meters, version=version.number), meters
        if len(_by_digest) >= _CACHE_SIZE:
            _by_digest.pop(next(iter(_by_digest)))
        _by_digest[version.digest] = found
    return found


def published_terms(version: int) -> Plan | None:
    """The terms of the published version of this id; None for a draft. One query, once in a process and database."""
    key = str(connection.settings_dict["NAME"]), version
    found = _by_id.get(key)
    if found is None:
        row = PlanVersion.objects.get(pk=version)
        if not row.digest:
            return None
        found = plan_terms(row)
        if len(_by_id) >= _CACHE_SIZE:
            _by_id.pop(next(iter(_by_id)), None)
        _by_id[key] = found
    return found
