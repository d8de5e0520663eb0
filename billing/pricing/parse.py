"""The door of the catalogue: plain data (from YAML, JSON or the database) to frozen values, or all of its
problems.

Contract, section 2. Nothing is half read: with any problem the catalogue is empty.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from billing.pricing.catalog import Catalog, MeterDef, TaxDef
from billing.pricing.charges import Plan
from billing.pricing.reading.fields import WHOLE, Fields, Problem, unique
from billing.pricing.reading.meters import read_meter
from billing.pricing.reading.plans import read_plan
from billing.pricing.reading.terms import check_tax_history, read_coupon, read_tax_def

__all__ = ["WHOLE", "CatalogError", "Problem", "meter_from_data", "parse_catalog", "plan_from_data"]

MAX_ENTRIES: Final = 10_000
"""Meters, plans, taxes or coupons of one file."""

_KEYS: Final = frozenset({"catalog", "meters", "plans", "taxes", "coupons"})


class CatalogError(ValueError):
    """Stored catalogue data that does not read; `problems` says why."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def parse_catalog(
    data: object,
    *,
    known_meters: Mapping[str, MeterDef] | None = None,
    known_taxes: Sequence[TaxDef] = (),
) -> tuple[Catalog, list[Problem]]:
    """The catalogue that `data` describes and no problems; or an empty one and every problem.

    `data` is the file as mappings and lists, its numbers as str, int or Decimal. Charges may refer to the
    meters and taxes of the file and to those that are known already (code -> meter, taxes); the file's own
    come first.
    """
    problems = list[Problem]()
    fields = Fields(data, "", problems, _KEYS)
    if type(fields.data.get("catalog")) is not int or fields.data["catalog"] != 1:
        fields.fault("catalog", "write catalog: 1, the version of this file's format.")
    meters = [(at, read_meter(raw, at, problems)) for at, raw in fields.items("meters", MAX_ENTRIES)]
    taxes = [(at, read_tax_def(raw, at, problems)) for at, raw in fields.items("taxes", MAX_ENTRIES)]
    coupons = [(at, read_coupon(raw, at, problems)) for at, raw in fields.items("coupons", MAX_ENTRIES)]
    all_meters = {**(known_meters or {}), **{meter.code: meter for _, meter in meters}}
    check_tax_history(taxes, known_taxes, problems)
    all_taxes = {tax.code for tax in (*known_taxes, *_values(taxes))}
    plans = [
        (at, read_plan(raw, at, problems, all_meters, all_taxes))
        for at, raw in fields.items("plans", MAX_ENTRIES)
    ]
    for entries in (meters, plans, coupons):
        unique(((at, entry.code) for at, entry in entries), problems)
    if fields.is_full:
        problems.append(Problem(WHOLE, "there may be more faults: mend these first."))
    if problems:
        return Catalog(), problems
    return Catalog(_values(meters), _values(plans), _values(taxes), _values(coupons)), []


def plan_from_data(data: object, meters: Mapping[str, MeterDef], *, version: int) -> Plan:
    """A stored plan version (what `plan_to_data` wrote). Taxes are not looked up. Raises `CatalogError`."""
    problems = list[Problem]()
    plan = read_plan(data, "plan", problems, meters, None)
    if problems:
        raise CatalogError(problems)
    return replace(plan, version=version)


def meter_from_data(data: object) -> MeterDef:
    """A stored meter (what `meter_to_data` wrote). Raises `CatalogError`."""
    problems = list[Problem]()
    meter = read_meter(data, "meter", problems)
    if problems:
        raise CatalogError(problems)
    return meter


def _values[T](entries: Iterable[tuple[str, T]]) -> tuple[T, ...]:
    return tuple(value for _, value in entries)
