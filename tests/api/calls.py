"""Every call of the API, for tests that sweep over all of them. A call that is missing here fails test_scopes."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """`{a}`, `{s}`, `{n}`, `{l}`: an account, its subscription, one of its invoices, a line of that."""

    method: str
    path: str
    scopes: frozenset[str]
    body: Any = None
    installation_only: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


READ, MANAGE, INGEST = frozenset({"read", "manage"}), frozenset({"manage"}), frozenset({"ingest", "manage"})
OF_ACCOUNT = [
    Call("GET", "/accounts/{a}", READ),
    Call("PATCH", "/accounts/{a}", MANAGE, {"name": "Renamed"}),
    Call("GET", "/accounts/{a}/subscriptions", READ),
    Call("POST", "/accounts/{a}/subscriptions", MANAGE, {"plan": "team"}),
    Call("GET", "/accounts/{a}/usage?meter=tokens", READ),
    Call("GET", "/accounts/{a}/spend", READ),
    Call("GET", "/accounts/{a}/simulation?plan=scale", READ),
    Call("GET", "/accounts/{a}/allowance", READ | INGEST),
    Call("GET", "/accounts/{a}/limit", READ),
    Call("PUT", "/accounts/{a}/limit", MANAGE, {"amount": "10.00"}),
    Call("GET", "/accounts/{a}/coupons", READ),
    Call("POST", "/accounts/{a}/coupons", MANAGE, {"code": "WELCOME"}),
    Call("GET", "/accounts/{a}/invoices", READ),
    Call("GET", "/subscriptions/{s}", READ),
    Call("DELETE", "/subscriptions/{s}", MANAGE),
    Call("POST", "/subscriptions/{s}/changes", MANAGE, {"plan": "scale", "when": "period_end"}),
    Call("DELETE", "/subscriptions/{s}/changes", MANAGE),
    Call("POST", "/subscriptions/{s}/reactivate", MANAGE, {}),
    Call("GET", "/invoices/{n}", READ),
    Call("GET", "/invoices/{n}.pdf", READ),
    Call("GET", "/invoices/{n}/lines/{l}/events", READ),
]
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/s",
    "type": "http.request",
    "subject": "acme",
    "data": {},
}
CALLS = [
    *OF_ACCOUNT,
    Call("GET", "/accounts", READ),
    Call("POST", "/accounts", MANAGE, {}, installation_only=True),
    Call("GET", "/meters", READ),
    Call("GET", "/plans", READ),
    Call("PUT", "/catalog", MANAGE, {"catalog": 1}, installation_only=True),
    Call("POST", "/events", INGEST, [EVENT]),
]
