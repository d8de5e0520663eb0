"""Something small to sell on a running product, through its API: one meter of each kind of total, and a plan."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

TYPE = "call"
METERS = [
    {"code": "units", "aggregation": "sum", "value": "units", "dimensions": ["region"]},
    {"code": "calls", "aggregation": "count"},
    {"code": "peak", "aggregation": "max", "value": "units"},
    {"code": "people", "aggregation": "unique", "value": "person"},
]
CATALOG = {
    "catalog": 1,
    "meters": [{"name": each["code"], "unit": "unit", "event_type": TYPE, **each} for each in METERS],
    "plans": [
        {
            "code": "metered",
            "name": "Metered",
            "currency": "EUR",
            "interval": "month",
            "base_price": "0",
            "charges": [{"meter": "units", "model": "per_unit", "unit_price": "0.01"}],
        }
    ],
}


def sell(api: httpx.Client, *codes: str, days: int = 40) -> None:
    """The catalogue, and accounts with these codes, on the plan since `days` ago. `api` may manage."""
    answer = api.put("/catalog", json=CATALOG)
    assert answer.status_code == 200, answer.text
    start = (datetime.now(UTC) - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
    for code in codes:
        account = {"code": code, "name": code, "currency": "EUR", "timezone": "Europe/Paris", "locale": "en"}
        answer = api.post("/accounts", json={**account, "country": "FR", "email": f"{code}@example.com"})
        assert answer.status_code == 201, answer.text
        plan = {"plan": "metered", "start": start.isoformat()}
        answer = api.post(f"/accounts/{code}/subscriptions", json=plan)
        assert answer.status_code == 201, answer.text


def event(account: str, id_: str, **more: Any) -> dict[str, Any]:
    """A good event of `account`."""
    values = {"specversion": "1.0", "id": id_, "source": "/calls", "type": TYPE, "subject": account}
    return {**values, "data": {"units": 1, "region": "eu", "person": "ada"}, **more}
