"""A small installation for the tests of invoices: a catalogue, accounts on plans, events through the intake."""

import itertools
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from accounts.models import Account
from billing.invoices.actions import bill_account
from billing.invoices.models import Invoice
from billing.plans.actions import load_catalog, subscribe
from billing.plans.models import Plan, Subscription
from billing.usage.ingest import ingest
from tests.factories import make_account

_ids = itertools.count()

TIERS = [
    {"up_to": "1000000", "unit_price": "0"},
    {"up_to": "10000000", "unit_price": "0.00002", "flat_price": "5.00"},
    {"up_to": None, "unit_price": "0.000016"},
]
OUT = {"code": "output_tokens", "model": "graduated", "tiers": TIERS}
IN = {"code": "input_tokens", "model": "per_unit", "unit_price": "0.0000025"}
CALLS = {"code": "calls", "model": "package", "package_size": "1000", "package_price": "0.40"}


def meter(code: str, en: str, fr: str, unit: str = "token", **fields: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name": {"en": en, "fr": fr},
        "unit": {"en": unit, "fr": {"token": "jeton", "call": "appel"}.get(unit, unit)},
        "event_type": "llm",
        "aggregation": "sum",
        "value": code,
        "dimensions": ["model"],
        **fields,
    }


def plan(code: str, *charges: dict[str, Any], **fields: Any) -> dict[str, Any]:
    charged = [{"meter": charge["code"], **charge} for charge in charges]
    base = {"code": code, "name": code.title(), "currency": "EUR", "interval": "month", "base_price": "49.00"}
    return {**base, "charges": charged, **fields}


CATALOG: dict[str, Any] = {
    "catalog": 1,
    "meters": [
        meter("output_tokens", "Output tokens", "Jetons produits"),
        meter("input_tokens", "Input tokens", "Jetons lus"),
        {
            **meter("calls", "API calls", "Appels d’API", unit="call"),
            "aggregation": "count",
            "event_type": "api",
        },
    ],
    "plans": [
        plan("team", OUT, IN, CALLS, name={"en": "Team", "fr": "Équipe"}),
        plan("studio", {**OUT, "tiers": [{"up_to": None, "unit_price": "0.00001"}]}, IN, base_price="99.00"),
        plan("free", IN, base_price="0"),
        plan("floor", IN, minimum_spend="100.00", base_price="10.00"),
        plan("least", {**IN, "minimum_amount": "20.00"}, base_price="0"),
        plan("trial", IN, trial_days=14),
        plan("yen", {**IN, "unit_price": "0.5"}, currency="JPY", base_price="1000"),
    ],
    "taxes": [
        {"code": "fr-20", "name": "TVA 20 %", "rate": "20", "country": "FR", "category": "S"},
        {"code": "fr-55", "name": "TVA 5,5 %", "rate": "5.5", "country": "FR", "category": "S"},
    ],
}


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def load(*plans: dict[str, Any]) -> None:
    catalog = json.loads(json.dumps(CATALOG))
    del catalog["meters"][2]["value"]
    catalog["plans"] += plans
    load_catalog(catalog)


def customer(code: str = "acme", **fields: Any) -> Account:
    values = {"timezone": "UTC", "line1": "14 rue des Tanneurs", "postcode": "44000", "city": "Nantes"}
    return make_account(code, **{**values, **fields})


def on_plan(account: Account, plan_code: str, start: datetime, anchor: str = "start") -> Subscription:
    return subscribe(account, Plan.objects.get(code=plan_code), start, anchor)


def event(
    account: Account, time: datetime, type_: str = "llm", id_: str | None = None, **data: Any
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": id_ or f"e{next(_ids)}",
        "source": "test",
        "type": type_,
        "subject": account.code,
        "time": time.isoformat(),
        "data": data,
    }


def send(events: Iterable[dict[str, Any]]) -> None:
    """Through the intake; every event must be taken."""
    events = list(events)
    result = ingest(json.dumps(events).encode(), "application/json")
    assert result.accepted == len(events), result


def use(account: Account, time: datetime, **data: Any) -> None:
    send([event(account, time, **data)])


def bill(account: Account, as_of: datetime) -> list[Invoice]:
    return bill_account(account, as_of)


def amounts(invoice: Invoice) -> list[tuple[str, str]]:
    """(kind, amount) of each line."""
    return [(line.kind, f"{line.amount:.2f}") for line in invoice.lines.all()]
