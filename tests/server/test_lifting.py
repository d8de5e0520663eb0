"""A stop is lifted by the change that lifts it: the next answer allows usage, over HTTP, on the product as it runs."""

import json
import uuid
from typing import Any

import httpx
import pytest

from tests.server.running import Demo

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]

STAFF = """
from accounts.models import Account, User
from accounts.scope import installation_scope
from billing.limits.actions import set_limit
with installation_scope():
    account = Account.objects.get(code="{code}")
    set_limit(account, None, by=User.objects.filter(is_staff=True).first(), note="Agreed by phone")
    print("done")
"""


def test_raising_telling_only_removing_and_staff_lift_a_stop_at_once(demo: Demo) -> None:
    code = f"lift-{uuid.uuid4().hex[:8]}"
    with demo.client() as client:
        stopped(client, code)
        lifts: list[dict[str, Any]] = [
            {"amount": "5000", "action": "stop"},
            {"amount": "1", "action": "notify"},
            {"amount": None, "action": "stop"},
        ]
        for change in lifts:
            ok(client, "PUT", f"/accounts/{code}/limit", change)
            assert allowed(client, code), change
            ok(client, "PUT", f"/accounts/{code}/limit", {"amount": "1", "action": "stop"})
            assert not allowed(client, code)
        assert demo.command("shell", "-v0", "-c", STAFF.format(code=code)).strip().endswith("done")
        assert allowed(client, code), "a decision of staff, by another process"


def stopped(client: httpx.Client, code: str) -> None:
    """An account that has used more than its limit of 1.00."""
    account = {"code": code, "name": code, "currency": "EUR", "timezone": "Europe/Paris", "locale": "en"}
    ok(client, "POST", "/accounts", {**account, "country": "FR", "email": f"{code}@customer.example"})
    ok(client, "POST", f"/accounts/{code}/subscriptions", {"plan": "team"})
    ok(client, "PUT", f"/accounts/{code}/limit", {"amount": "1", "action": "stop"})
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/test",
        "type": "llm.completion",
        "subject": code,
        "data": {"output_tokens": 90_000_000, "input_tokens": 1, "model": "atlas-2", "region": "eu"},
    }
    headers = {"Content-Type": "application/cloudevents+json"}
    answer = client.post("/events", content=json.dumps(event), headers=headers)
    assert answer.json()["accepted"] == 1, answer.text
    assert not allowed(client, code)


def allowed(client: httpx.Client, code: str) -> bool:
    answer: bool = ok(client, "GET", f"/accounts/{code}/allowance")["allowed"]
    return answer


def ok(client: httpx.Client, method: str, path: str, body: object = None) -> dict[str, Any]:
    answer = client.request(method, path, json=body)
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found
