"""Plans of different shapes, events of their usage, and what usage costs by the contract."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import httpx

from tests.pricing.oracle import half_up, price

TYPE: Final = "held"
CENTS: Final = 2
ZERO: Final = Decimal("0.00")
REGIONS: Final = ("eu", "us")
CALLS: Final = "calls"

type Used = Counter[str]
"""Units by region, and `CALLS`: the number of events."""

METERS: Final = [
    {"code": "held_units", "aggregation": "sum", "value": "units", "dimensions": ["region"]},
    {"code": "held_calls", "aggregation": "count"},
]
UNITS: Final = "held_units"
TIERS: Final = [
    {"up_to": "500", "unit_price": "0.05", "flat_price": "1.00"},
    {"up_to": "1500", "unit_price": "0.02"},
    {"up_to": None, "unit_price": "0.0137", "flat_price": "2.00"},
]
PACKAGES: Final = {"model": "package", "package_size": "250", "package_price": "3.00"}
CHARGES: Final[dict[str, list[dict[str, Any]]]] = {
    "held-units": [{"meter": UNITS, "model": "per_unit", "unit_price": "0.0137"}],
    "held-tiers": [{"meter": UNITS, "model": "graduated", "tiers": TIERS}],
    "held-packages": [{"meter": UNITS, **PACKAGES, "included": "100"}],
    "held-mixed": [
        {"code": "eu", "meter": UNITS, "where": {"region": ["eu"]}, "model": "graduated", "tiers": TIERS},
        {"code": "us", "meter": UNITS, "where": {"region": ["us"]}, **PACKAGES},
        {"meter": "held_calls", "model": "per_unit", "unit_price": "0.0051"},
    ],
}
"""The charges of each plan; all of them cost more, never less, with more usage."""


def catalog() -> dict[str, Any]:
    plan = {"currency": "EUR", "interval": "month", "base_price": "0"}
    return {
        "catalog": 1,
        "meters": [{"name": each["code"], "unit": "unit", "event_type": TYPE, **each} for each in METERS],
        "plans": [{"code": code, "name": code, **plan, "charges": found} for code, found in CHARGES.items()],
    }


def open_account(api: httpx.Client, code: str, plan: str) -> str:
    """An account on the plan since yesterday; its mail address. `api` may manage."""
    email = f"{code}@customer.example"
    account = {"code": code, "name": code, "currency": "EUR", "timezone": "Europe/Paris", "locale": "en"}
    answer = api.post("/accounts", json={**account, "country": "FR", "email": email})
    assert answer.status_code == 201, answer.text
    start = (datetime.now(UTC) - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    answer = api.post(f"/accounts/{code}/subscriptions", json={"plan": plan, "start": start.isoformat()})
    assert answer.status_code == 201, answer.text
    return email


def set_limit(api: httpx.Client, account: str, amount: Decimal) -> None:
    """Stop at `amount`; told once, when it is reached."""
    body = {"amount": str(amount), "action": "stop", "thresholds": [100], "pace": False}
    answer = api.put(f"/accounts/{account}/limit", json=body)
    assert answer.status_code == 200, answer.text


def event(account: str, id_: str, units: int, region: str) -> dict[str, Any]:
    data = {"units": units, "region": region}
    return {
        "specversion": "1.0",
        "id": id_,
        "source": "/held",
        "type": TYPE,
        "subject": account,
        "data": data,
    }


def used(events: Iterable[dict[str, Any]]) -> Used:
    found: Used = Counter()
    for each in events:
        found[each["data"]["region"]] += each["data"]["units"]
        found[CALLS] += 1
    return found


def units_for(plan: str, amount: Decimal) -> int:
    """The most units that one event in the first region may have to cost no more than `amount`."""
    units = range(1_000_000)
    return bisect_right(units, amount, key=lambda one: cost(plan, Counter({REGIONS[0]: one, CALLS: 1}))) - 1


def cost(plan: str, usage: Used) -> Decimal:
    """The sum of the rounded usage lines."""
    total = Fraction(0)
    for charge in CHARGES[plan]:
        regions = charge.get("where", {}).get("region", REGIONS)
        quantity = sum(usage[one] for one in regions) if charge["meter"] == UNITS else usage[CALLS]
        total += half_up(price(charge, Fraction(quantity), []), CENTS)
    return Decimal(int(total * 10**CENTS)).scaleb(-CENTS)
