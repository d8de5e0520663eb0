"""Every call of the API, for tests that sweep over all of them. A call that is missing here fails test_scopes."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone


@dataclass(frozen=True)
class Call:
    """`{a}`, `{s}`, `{n}`, `{l}`, `{r}`, `{w}`, `{d}`: an account, its subscription, one of its invoices, a line of
    that, a reservation, a webhook, a delivery to it."""

    method: str
    path: str
    scopes: frozenset[str]
    body: Any = None
    installation_only: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


NAMES = {
    "a": "{account}",
    "s": "{subscription}",
    "n": "{number}",
    "l": "{line}",
    "r": "{reservation}",
    "w": "{webhook}",
    "d": "{delivery}",
}
READ, MANAGE, INGEST = frozenset({"read", "manage"}), frozenset({"manage"}), frozenset({"ingest", "manage"})
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/s",
    "type": "http.request",
    "subject": "acme",
    "data": {},
}
OF_ACCOUNT = [
    Call("GET", "/accounts/{a}", READ),
    Call("PATCH", "/accounts/{a}", MANAGE, {"name": "Renamed"}),
    Call("GET", "/accounts/{a}/subscriptions", READ),
    Call("POST", "/accounts/{a}/subscriptions", MANAGE, {"plan": "team"}),
    Call("GET", "/accounts/{a}/usage?meter=tokens", READ),
    Call("GET", "/accounts/{a}/spend", READ),
    Call("GET", "/accounts/{a}/simulation?plan=scale", READ),
    Call("GET", "/accounts/{a}/allowance", READ | INGEST),
    Call("POST", "/accounts/{a}/reservations", INGEST, {"meter": "calls", "quantity": "1"}),
    Call("POST", "/reservations/{r}/commit", INGEST, EVENT),
    Call("DELETE", "/reservations/{r}", INGEST),
    Call("GET", "/accounts/{a}/limit", READ),
    Call("PUT", "/accounts/{a}/limit", MANAGE, {"amount": "10.00"}),
    Call("GET", "/accounts/{a}/coupons", READ),
    Call("POST", "/accounts/{a}/coupons", MANAGE, {"code": "WELCOME"}),
    Call("POST", "/accounts/{a}/portal-links", MANAGE, {"user_email": "a@b.c"}, installation_only=True),
    Call("GET", "/accounts/{a}/invoices", READ),
    Call("GET", "/subscriptions/{s}", READ),
    Call("DELETE", "/subscriptions/{s}", MANAGE),
    Call("POST", "/subscriptions/{s}/changes", MANAGE, {"plan": "scale", "when": "period_end"}),
    Call("DELETE", "/subscriptions/{s}/changes", MANAGE),
    Call("POST", "/subscriptions/{s}/reactivate", MANAGE, {}),
    Call("GET", "/webhooks/{w}", READ),
    Call("PATCH", "/webhooks/{w}", MANAGE, {"types": ["limit.stopped"], "description": "Billing"}),
    Call("POST", "/webhooks/{w}/secret", MANAGE),
    Call("POST", "/webhooks/{w}/test", MANAGE),
    Call("GET", "/webhooks/{w}/deliveries", READ),
    Call("POST", "/webhooks/{w}/deliveries/{d}/retry", MANAGE),
    Call("DELETE", "/webhooks/{w}", MANAGE),
    Call("GET", "/accounts/{a}/exports/focus.csv", READ),
    Call("GET", "/accounts/{a}/exports/usage.csv", READ),
    Call("GET", "/accounts/{a}/exports/accounting.csv", READ),
    Call("GET", "/accounts/{a}/exports/greenbutton.xml", READ),
    Call("GET", f"/accounts/{{a}}/exports/invoices.zip?year={timezone.now().year}", READ),
    Call("GET", "/invoices/{n}", READ),
    Call("GET", "/invoices/{n}.pdf", READ),
    Call("GET", "/invoices/{n}.xml", READ),
    Call("GET", "/invoices/{n}.ubl.xml", READ),
    Call("GET", "/invoices/{n}/proof.zip", READ),
    Call("GET", "/invoices/{n}/lines/{l}/events", READ),
]
CALLS = [
    *OF_ACCOUNT,
    Call("GET", "/accounts", READ),
    Call("POST", "/accounts", MANAGE, {}, installation_only=True),
    Call("GET", "/webhooks", READ),
    Call("POST", "/webhooks", MANAGE, {"url": "http://127.0.0.1/hook"}),
    Call("GET", "/meters", READ),
    Call("GET", "/plans", READ),
    Call("PUT", "/catalog", MANAGE, {"catalog": 1}, installation_only=True),
    Call("POST", "/events", INGEST, [EVENT]),
]


def reserve(root: Any, account: str) -> str:
    """The id of a call that is set aside for the account."""
    body = {"meter": "calls", "quantity": "1"}
    return str(root.ok("POST", f"/accounts/{account}/reservations", body, 201)["id"])


def webhook(root: Any, account: str) -> tuple[str, str]:
    """The ids of a webhook of the account and of a test that was delivered to it."""
    from billing.webhooks.models import Delivery

    made = root.ok("POST", "/webhooks", {"url": "http://127.0.0.1/hook", "account": account}, 201)
    delivery = root.ok("POST", f"/webhooks/{made['id']}/test", None, 202)
    Delivery.objects.filter(pk=delivery["id"]).update(next_try_at=None, delivered_at=timezone.now())
    return made["id"], delivery["id"]
