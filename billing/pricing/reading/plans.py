"""One plan of the catalogue."""

from collections.abc import Collection, Mapping
from typing import Final

from billing.pricing.catalog import MeterDef
from billing.pricing.charges import INTERVALS, UNDETERMINED, Plan
from billing.pricing.money import ZERO
from billing.pricing.reading.charges import read_charge, read_tax
from billing.pricing.reading.fields import Fields, Problem, unique
from billing.pricing.reading.filters import note_overlaps
from billing.pricing.reading.numbers import money, whole
from billing.pricing.reading.texts import choice, code, currency, flag, texts

MAX_CHARGES: Final = 200
"""Charges of one plan."""

MAX_TRIAL_DAYS: Final = 3650
MAX_VERSION: Final = 2**31 - 1

_KEYS: Final = frozenset(
    {
        "code",
        "name",
        "currency",
        "interval",
        "base_price",
        "minimum_spend",
        "trial_days",
        "public",
        "tax",
        "charges",
        "archived",
        "version",
    }
)


def read_plan(
    data: object,
    path: str,
    problems: list[Problem],
    meters: Mapping[str, MeterDef],
    taxes: Collection[str] | None,
) -> Plan:
    """The plan at `path`. What is faulty is noted in `problems` and holds a default.

    A `version`, which the API shows with a plan, may stand here and says nothing: numbers are given by who publishes.
    """
    earlier = len(problems)
    fields = Fields(data, path, problems, _KEYS)
    fields.get("version", whole(1, MAX_VERSION), None)
    plan_code = fields.need("code", code, "")
    money_of = fields.need("currency", currency, "", "write an ISO 4217 code, such as EUR.")
    charges = [
        (charge_path, read_charge(raw, charge_path, problems, meters, taxes))
        for charge_path, raw in fields.items("charges", MAX_CHARGES)
    ]
    unique(((charge_path, charge.code) for charge_path, charge in charges), problems)
    faulty = tuple(problem.path for problem in problems[earlier:])
    note_overlaps(
        [(at, charge) for at, charge in charges if not _starts(faulty, (f"{at}.where", f"{at}.meter"))],
        problems,
    )
    return Plan(
        code=plan_code,
        name=fields.get("name", texts, {UNDETERMINED: plan_code}),
        currency=money_of,
        interval=fields.need("interval", choice(INTERVALS), "month", f"write one of {', '.join(INTERVALS)}."),
        base_price=fields.get("base_price", money(money_of), ZERO),
        minimum_spend=fields.get("minimum_spend", money(money_of), ZERO),
        trial_days=fields.get("trial_days", whole(0, MAX_TRIAL_DAYS), 0),
        public=fields.get("public", flag, True),
        tax=read_tax(fields, taxes),
        charges=tuple(charge for _, charge in charges),
        archived=fields.get("archived", flag, False),
    )


def _starts(paths: Collection[str], prefixes: tuple[str, ...]) -> bool:
    """Whether any of `paths` lies at or below one of `prefixes`."""
    return any(path.startswith(prefixes) for path in paths)
