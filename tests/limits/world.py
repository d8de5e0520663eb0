"""A small installation for the tests of limits: a catalogue, an account on a plan, and events through the intake."""

import itertools
import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import Account
from billing.plans.actions import Actor, load_catalog, subscribe
from billing.plans.models import Meter, Plan
from billing.usage.ingest import ingest
from tests.factories import make_account

_ids = itertools.count()


def meter(code: str, **fields: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name": {"en": code.title(), "fr": f"{code.title()} fr"},
        "unit": "unit",
        "event_type": "used",
        "aggregation": "sum",
        "value": code,
        "dimensions": ["model", "region"],
        **fields,
    }


def plan(code: str, *charges: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name": code,
        "currency": "EUR",
        "interval": "month",
        "base_price": "5.00",
        "charges": list(charges),
        **fields,
    }


UNIT = {"code": "tokens", "meter": "tokens", "model": "per_unit", "unit_price": "1"}
CATALOG = {
    "catalog": 1,
    "meters": [
        meter("tokens"),
        meter("bytes"),
        meter("calls", aggregation="count", value=None, event_type="called"),
    ],
    "plans": [
        plan("unit", UNIT, {"code": "bytes", "meter": "bytes", "model": "per_unit", "unit_price": "2"}),
        plan("fine", {**UNIT, "unit_price": "0.001"}),
        plan("included", {**UNIT, "included": "10"}),
        plan(
            "package",
            {
                "code": "tokens",
                "meter": "tokens",
                "model": "package",
                "package_size": "10",
                "package_price": "3",
            },
        ),
        plan(
            "graduated",
            {
                "code": "tokens",
                "meter": "tokens",
                "model": "graduated",
                "tiers": [{"up_to": "10", "unit_price": "0"}, {"up_to": None, "unit_price": "2"}],
            },
        ),
        plan(
            "models",
            {**UNIT, "code": "small", "where": {"model": ["small"]}},
            {**UNIT, "code": "large", "where": {"model": ["large"]}, "unit_price": "5"},
        ),
        plan("trial", UNIT, trial_days=30),
        plan("minimum", {**UNIT, "minimum_amount": "50"}),
        plan("nothing"),
    ],
}


def load() -> None:
    catalog = json.loads(json.dumps(CATALOG))
    for one in catalog["meters"]:
        if one["value"] is None:
            del one["value"]
    load_catalog(catalog)


def customer(plan_code: str = "unit", days: int = 10, code: str = "acme", **fields: Any) -> Account:
    """An account that has been on the plan for `days` days."""
    if not Plan.objects.exists():
        load()
    account = make_account(code, **fields)
    put_on(account, plan_code, timezone.now() - timedelta(days=days))
    return account


def put_on(account: Account, plan_code: str, start: datetime | None = None) -> None:
    subscribe(account, Plan.objects.get(code=plan_code), start, actor=Actor.INSTALLATION)


def use(account: Account, *, at: datetime | None = None, model: str = "small", **values: int | str) -> str:
    """One event with `values` by meter, now; gives its id."""
    event_id = f"e{next(_ids)}"
    data = {"model": model, **{key: str(value) for key, value in values.items()}}
    send(account, event_id, data, at=at)
    return event_id


def send(
    account: Account, event_id: str, data: dict[str, Any], at: datetime | None = None, **more: Any
) -> None:
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "test",
        "type": more.pop("type", "used"),
        "subject": account.code,
        "time": (at or timezone.now()).isoformat(),
        "data": data,
        **more,
    }
    result = ingest(json.dumps(event).encode(), "application/cloudevents+json")
    assert result.accepted == 1, result


def meter_of(code: str) -> Meter:
    return Meter.objects.get(code=code)


def euros(text: str | int) -> Decimal:
    return Decimal(text)
