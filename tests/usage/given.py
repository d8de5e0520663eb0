"""A small world for usage tests: meters, plans and subscriptions by the real actions, and events as bytes."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Account
from billing.plans.actions.catalog import load_catalog
from billing.plans.actions.subscribe import subscribe
from billing.plans.models import Period, Plan
from billing.pricing.money import exact
from billing.usage.ingest import Result, ingest
from billing.usage.models import DayTotal, Event
from tests.factories import make_account

JSON = "application/json"
NOW = datetime.now(UTC).replace(microsecond=0)
START = (NOW - timedelta(days=40)).replace(hour=0, minute=0, second=0)

METERS = [
    {"code": "tokens", "aggregation": "sum", "value": "tokens", "dimensions": ["model", "region"]},
    {"code": "calls", "aggregation": "count", "dimensions": ["model"]},
    {"code": "peak", "aggregation": "max", "value": "tokens", "dimensions": ["model"]},
    {"code": "users", "aggregation": "unique", "value": "user", "dimensions": ["model"]},
    {"code": "seats", "aggregation": "latest", "value": "seats", "dimensions": ["model"]},
    {"code": "storage", "aggregation": "time_weighted", "value": "gb", "dimensions": ["bucket", "tier"]},
]
TYPES = {"users": "login", "seats": "seats.set", "storage": "storage.set"}


def catalog(charges: list[dict[str, Any]], currency: str = "EUR", code: str = "team") -> dict[str, Any]:
    meters = [
        {"name": each["code"].title(), "unit": "unit", "event_type": TYPES.get(each["code"], "llm"), **each}
        for each in METERS
    ]
    plan = {
        "code": code,
        "name": code.title(),
        "currency": currency,
        "interval": "month",
        "base_price": "10",
        "charges": charges,
    }
    return {"catalog": 1, "meters": meters, "plans": [plan]}


PER_UNIT = [{"meter": "tokens", "model": "per_unit", "unit_price": "0.01"}]


def given_account(
    code: str = "acme",
    charges: list[dict[str, Any]] | None = None,
    start: datetime = START,
    timezone: str = "UTC",
    plan: str = "team",
) -> Account:
    """An account with a running subscription since `start` on a plan with these charges."""
    load_catalog(catalog(charges or PER_UNIT, code=plan))
    account = make_account(code, timezone=timezone)
    subscribe(account, Plan.objects.get(code=plan), start=start)
    return account


def event(**fields: Any) -> dict[str, Any]:
    """A good event of `acme`, an hour old."""
    values: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "/test",
        "type": "llm",
        "subject": "acme",
        "time": (NOW - timedelta(hours=1)).isoformat(),
        "data": {"tokens": 10, "model": "gpt-4"},
    }
    values.update(fields)
    return {name: value for name, value in values.items() if value is not ...}


def send(*events: Any, own: Account | None = None) -> Result:
    return ingest(json.dumps(list(events)).encode(), JSON, own)


def totals(account: Account, meter: str = "tokens") -> tuple[int, Decimal]:
    """(events, total) of the day totals."""
    rows = DayTotal.objects.filter(account=account, meter__code=meter)
    with exact():
        return sum(row.events for row in rows), sum((row.total for row in rows), Decimal(0))


def stored(account: Account) -> int:
    return Event.objects.filter(account=account).count()


def codes(result: Result) -> list[str]:
    return [each.code for each in result.rejected]


def numbers(result: Result) -> tuple[int, int, int, int]:
    return result.accepted, result.duplicates, result.quarantined, len(result.rejected)


def period(account: Account) -> Period:
    found = Period.objects.filter(account=account).select_related("account").order_by("start").first()
    assert found is not None
    return found
