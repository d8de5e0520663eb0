"""The customers of the browser tests: their own catalogue codes, accounts, members and usage, made through the API."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from tests.server.running import Demo

ZONE = ZoneInfo("Europe/Paris")
PASSWORD = "correct horse battery staple"
IMAGE, SCRIPT, VECTOR = '"><img src=x onerror=alert(1)>', "<script>alert(1)</script>", "<svg onload=alert(1)>"
# The price of a unit on every plan here; so events of 100 units cost 1.00 each.
UNIT_PRICE = "0.01"
MEMBERS = """
import json, os
from accounts.models import Account, Membership, User
from accounts.scope import installation_scope
with installation_scope():
    for email, code, role in json.loads(os.environ["MEMBERS"]):
        user = User.objects.filter(email=email).first() or User.objects.create_user(email, os.environ["PASSWORD"])
        Membership.objects.create(user=user, account=Account.objects.get(code=code), role=role)
"""


@dataclass(frozen=True)
class Person:
    email: str
    password: str


@dataclass(frozen=True)
class Customer:
    """An account of the tests; `subscription` is its id. `reads` and `sends` are open connections to the API."""

    code: str
    name: str
    subscription: str
    reads: httpx.Client
    sends: httpx.Client
    ids: Iterator[int]

    def person(self, role: str) -> Person:
        return Person(f"{role}@{self.code}.example", PASSWORD)

    def get(self, path: str = "", **query: str) -> Any:
        """What the API says below `/accounts/{code}`."""
        answer = self.reads.get(f"/accounts/{self.code}{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def use(self, units: int, at: datetime | None = None, region: str = "eu") -> None:
        """Send one event, by default of now."""
        self._send([self._event(units, at, region)])

    def use_daily(self, units: int, at: Iterable[datetime]) -> None:
        """Send one event for each time."""
        self._send([self._event(units, one, "eu") for one in at])

    def _event(self, units: int, at: datetime | None, region: str) -> dict[str, Any]:
        event = {
            "specversion": "1.0",
            "id": f"{SCRIPT}{next(self.ids)}",
            "source": "browser",
            "type": "browser.request",
            "subject": self.code,
            "data": {"units": units, "region": region},
        }
        return event | ({"time": at.isoformat()} if at else {})

    def _send(self, events: list[dict[str, Any]]) -> None:
        answer = self.sends.post("/events", json=events)
        assert answer.status_code == 200, answer.text
        assert answer.json()["accepted"] == len(events), answer.text


def month(back: int = 0) -> datetime:
    """Local midnight of the first of this month, or of an earlier one."""
    first = datetime.now(ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(back):
        first = (first - timedelta(days=1)).replace(day=1)
    return first


def catalog() -> dict[str, Any]:
    def meter(code: str, name: object) -> dict[str, Any]:
        of_events = {"event_type": "browser.request", "aggregation": "sum", "value": "units"}
        return {"code": code, "name": name, "unit": "unit", "dimensions": ["region"], **of_events}

    def plan(code: str, name: str, price: str, meter: str, public: bool) -> dict[str, Any]:
        charge = {"meter": meter, "model": "per_unit", "unit_price": UNIT_PRICE}
        sold = {"currency": "EUR", "interval": "month", "base_price": price, "public": public}
        return {"code": code, "name": name, "charges": [charge], **sold}

    return {
        "catalog": 1,
        "meters": [meter("browser_units", "Units"), meter("browser_hostile", VECTOR)],
        "plans": [
            plan("browser-cheap", "Cheap", "10", "browser_units", True),
            plan("browser-dear", "Dear", "40", "browser_units", True),
            plan("browser-hostile", SCRIPT, "10", "browser_hostile", False),
            {
                "code": "browser-free",
                "name": "Free",
                "currency": "EUR",
                "interval": "month",
                "base_price": "0",
            }
            | {"charges": [], "public": True},
        ],
    }


@dataclass(frozen=True)
class World:
    """`walker` and `plain` are on the cheap plan since the 1st; `past` and `hostile` have usage and invoices before it.

    `stopped` is on the cheap plan too, for limits that are reached, and `halted`, far beyond its limit, for pictures of
    that state; `novice` pays nothing yet;
    `keyed` is for ways to sign in.
    `clerk` is a member of `plain` and `past`, and sees `plain` first.
    """

    demo: Demo
    walker: Customer
    plain: Customer
    past: Customer
    hostile: Customer
    stopped: Customer
    halted: Customer
    novice: Customer
    keyed: Customer
    clerk: Person


def build(demo: Demo) -> World:
    with demo.client() as api:
        answer = api.put("/catalog", json=catalog())
        assert answer.status_code == 200, answer.text
    walker = make_customer(demo, "browser-walker", "Walker & Sons", "browser-cheap", month())
    plain = make_customer(demo, "browser-plain", "Plain Ltd", "browser-cheap", month())
    past = make_customer(demo, "browser-settled", "Settled Ltd", "browser-cheap", month(back=2))
    hostile = make_customer(demo, "browser-hostile", IMAGE, "browser-hostile", month(back=1))
    stopped = make_customer(demo, "browser-stopped", "Stopped Ltd", "browser-cheap", month())
    halted = make_customer(demo, "browser-halted", "Halted Ltd", "browser-cheap", month())
    novice = make_customer(demo, "browser-novice", "Novice Ltd", "browser-free", month())
    keyed = make_customer(demo, "browser-keyed", "Keyed Ltd", "browser-free", month())
    members = [
        (one.person(role).email, one.code, role)
        for one in (walker, plain, past, hostile, stopped, halted, novice, keyed)
        for role in ("owner", "viewer")
    ]
    clerk = Person("clerk@browser.example", PASSWORD)
    members += [(clerk.email, one.code, "billing") for one in (plain, past)]
    add_members(demo, members)
    for one, regions in ((past, ("eu", "us")), (hostile, ("eu", IMAGE))):
        for back in (1, 0):
            for day, region in enumerate(regions):
                one.use(1234 * (day + 1), month(back) + timedelta(minutes=day), region)
        demo.command("bill", "--as-of", month().isoformat(), "--account", one.code)
    return World(demo, walker, plain, past, hostile, stopped, halted, novice, keyed, clerk)


def add_members(demo: Demo, members: Sequence[tuple[str, str, str]]) -> None:
    """People by mail address, account and role, with the password of all."""
    words = {"MEMBERS": json.dumps(members), "PASSWORD": PASSWORD}
    demo.command("shell", "-v", "0", "-c", MEMBERS, extra=words)


def make_customer(
    demo: Demo, code: str, name: str, plan: str, start: datetime, *, locale: str = "en"
) -> Customer:
    account = {"code": code, "name": name, "currency": "EUR", "timezone": ZONE.key, "locale": locale}
    with demo.client() as api:
        answer = api.post("/accounts", json={**account, "country": "FR", "email": f"{code}@example.com"})
        assert answer.status_code == 201, answer.text
        terms = {"plan": plan, "start": start.isoformat(), "anchor": "start"}
        answer = api.post(f"/accounts/{code}/subscriptions", json=terms)
        assert answer.status_code == 201, answer.text
    return Customer(code, name, answer.json()["id"], demo.client("read"), demo.client("ingest"), count())
