"""Callers of the API: an installation's keys, two customers' keys, and a catalogue to sell."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, override_settings

from accounts.keys import create_key
from accounts.models import Account

CATALOG: dict[str, Any] = {
    "catalog": 1,
    "meters": [
        {
            "code": "tokens",
            "name": {"en": "Tokens", "fr": "Jetons"},
            "unit": {"en": "token", "fr": "jeton"},
            "event_type": "llm.completion",
            "aggregation": "sum",
            "value": "tokens",
            "dimensions": ["model", "region"],
        },
        {
            "code": "calls",
            "name": "Calls",
            "unit": "call",
            "event_type": "http.request",
            "aggregation": "count",
        },
        {
            "code": "energy",
            "name": {"en": "Energy", "fr": "Énergie"},
            "unit": "kWh",
            "unit_code": "KWH",
            "event_type": "meter.read",
            "aggregation": "sum",
            "value": "kwh",
        },
    ],
    "plans": [
        {
            "code": code,
            "name": code.title(),
            "currency": "EUR",
            "interval": "month",
            "base_price": base,
            "public": code != "secret",
            "charges": [
                {
                    "code": "tokens",
                    "meter": "tokens",
                    "model": "graduated",
                    "tiers": [
                        {"up_to": "1000", "unit_price": "0"},
                        {"up_to": None, "unit_price": price, "flat_price": "5.00"},
                    ],
                },
                {"code": "calls", "meter": "calls", "model": "per_unit", "unit_price": "0.5"},
            ],
        }
        for code, base, price in [
            ("free", "0", "0.05"),
            ("team", "49.00", "0.02"),
            ("scale", "99.00", "0.01"),
            ("secret", "1.00", "0.001"),
        ]
    ],
    "taxes": [{"code": "fr-20", "name": "TVA 20 %", "rate": "20", "country": "FR", "category": "S"}],
    "coupons": [{"code": "WELCOME", "percent": "20", "periods": 3}],
}

ACCOUNT: dict[str, Any] = {
    "code": "acme",
    "name": "Acme",
    "currency": "EUR",
    "timezone": "Europe/Paris",
    "locale": "en",
    "country": "FR",
    "email": "billing@acme.example",
}


@dataclass
class Caller:
    """A client with a key. Answers are checked: JSON or problem+json, never a 5xx."""

    key: str
    client: Client = field(default_factory=Client)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        content_type = headers.pop("content_type", "application/json")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        authorization = {"authorization": f"Bearer {self.key}"} if self.key else {}
        response = self.client.generic(
            method, f"/api/v1{path}", data, content_type, headers={**authorization, **headers}
        )
        if response.streaming:
            response = _whole(response)
        assert response.status_code < 500, response.content
        if response.status_code == 422 and _takes_events(path) and _is_json(response):
            assert response.json().keys() == {"accepted", "duplicates", "quarantined", "rejected"}
        elif response.status_code >= 400:
            check_problem(response)
        return response

    def ok(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        response = self(method, path, body, **headers)
        assert response.status_code == status, response.content
        return response.json()

    def refused(
        self, method: str, path: str, status: int, body: Any = None, **headers: str
    ) -> dict[str, Any]:
        response = self(method, path, body, **headers)
        assert response.status_code == status, response.content
        problem: dict[str, Any] = response.json()
        return problem


def _whole(response: Any) -> HttpResponse:
    """A streamed answer, read to its end: what breaks on the way breaks here."""
    headers = dict(response.headers)
    return HttpResponse(b"".join(response.streaming_content), status=response.status_code, headers=headers)


def _takes_events(path: str) -> bool:
    """Calls that answer as section 6 of the contract does when every event was rejected."""
    where = path.partition("?")[0]
    return where == "/events" or (where.startswith("/reservations/") and where.endswith("/commit"))


def _is_json(response: HttpResponse) -> bool:
    return response.headers["Content-Type"] == "application/json"


def check_problem(response: HttpResponse) -> None:
    assert response.headers["Content-Type"] == "application/problem+json", response.content
    problem = json.loads(response.content)
    assert problem["status"] == response.status_code
    assert {"type", "title", "status", "code", "detail"} <= problem.keys()
    text = response.content.decode()
    assert not any(word in text for word in ("Traceback", "SELECT ", "psycopg", "site-packages", ".py"))


type MakeCaller = Callable[..., Caller]


@pytest.fixture
def caller(db: None) -> MakeCaller:
    """`caller("read")`, `caller("manage", account=acme)`."""

    def make(*scopes: str, account: Account | None = None) -> Caller:
        return Caller(create_key("test", list(scopes), account)[1])

    return make


@pytest.fixture
def root(caller: MakeCaller) -> Caller:
    """An installation key that may do all, on a site with a catalogue."""
    found = caller("manage")
    found.ok("PUT", "/catalog", CATALOG)
    return found


@pytest.fixture
def acme(root: Caller) -> Account:
    root.ok("POST", "/accounts", ACCOUNT, 201)
    return Account.objects.get(code="acme")


@pytest.fixture
def other(root: Caller) -> Account:
    """Another customer, whose things nobody else may see."""
    body = {**ACCOUNT, "code": "other", "name": "Canary Ltd", "email": "canary@other.example"}
    root.ok("POST", "/accounts", body, 201)
    return Account.objects.get(code="other")


@pytest.fixture(autouse=True)
def loopback_may_be_called() -> Iterator[None]:
    """Webhooks of these tests lead to loopback, which needs no resolver. Nothing is sent: no worker runs."""
    with override_settings(WEBHOOK_ALLOWED_HOSTS=["127.0.0.1"]):
        yield
