"""A customer of a scenario: what it does goes through the HTTP API; what it sent and was billed is kept for checks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tests.scenarios.product import CATALOG, Product

BATCH = 1000
MOMENT = timedelta(seconds=30)
"""How long before a period's end its spend is asked for: a call takes less."""

LEVELS = {meter["code"] for meter in CATALOG["meters"] if meter["aggregation"] == "time_weighted"}
SO_FAR = ("usage", "minimum", "limit_waiver")
"""Kinds of lines that end now in a running period."""


@dataclass(frozen=True)
class Sent:
    """An event as it was sent."""

    id: str
    type: str
    time: datetime
    data: Mapping[str, Any]
    revision: int = 0
    voided: bool = False


@dataclass
class Customer:
    """An account. `sent` holds what counts: the newest revisions of accepted events."""

    product: Product
    code: str
    timezone: str
    currency: str = "EUR"
    country: str = "US"
    more: Mapping[str, Any] = field(default_factory=dict)
    sent: dict[str, Sent] = field(default_factory=dict)
    subscription: str = ""

    def open(self) -> "Customer":
        """Make the account."""
        body = {
            "code": self.code,
            "name": self.code.title(),
            "currency": self.currency,
            "timezone": self.timezone,
        }
        body |= {
            "locale": "en",
            "country": self.country,
            "email": f"{self.code}@customer.example",
            **self.more,
        }
        self.product.call("POST", "/accounts", body, 201)
        self.product.accounts.append(self.code)
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def local(self, day: date, hour: int = 0, minute: int = 0) -> datetime:
        """An instant of the customer's own calendar."""
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone).astimezone(UTC)

    def subscribe(self, plan: str, start: datetime, anchor: str = "start") -> dict[str, Any]:
        path = f"/accounts/{self.code}/subscriptions"
        body = {"plan": plan, "start": start.isoformat(), "anchor": anchor}
        made: dict[str, Any] = self.product.call("POST", path, body, 201)
        self.subscription = made["id"]
        return made

    def change(self, plan: str, **how: object) -> dict[str, Any]:
        """Preview a change, confirm it by its quote, and see that it came to what was shown."""
        path = f"/subscriptions/{self.subscription}/changes"
        shown = self.product.call("POST", path, {"plan": plan, "preview": True, **how})
        made: dict[str, Any] = self.product.call("POST", path, {"plan": plan, "quote": shown["quote"], **how})
        assert made["lines"] == shown["lines"]
        return made

    def take_back(self) -> None:
        self.product.call("DELETE", f"/subscriptions/{self.subscription}/changes")

    def cancel(self, when: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.product.call("DELETE", f"/subscriptions/{self.subscription}", when=when)
        return answer

    def send(self, type_: str, rows: Iterable[tuple[datetime, Mapping[str, Any]]]) -> list[str]:
        """Send new events, all of which must be accepted; their ids."""
        known = len(self.sent)
        events = [Sent(f"{type_}-{known + n}", type_, at, data) for n, (at, data) in enumerate(rows, 1)]
        for first in range(0, len(events), BATCH):
            assert self.deliver(events[first : first + BATCH])["quarantined"] == 0
        return [event.id for event in events]

    def deliver(self, events: list[Sent]) -> dict[str, Any]:
        """Send events as they are; those that were not quarantined count. None may be rejected."""
        answer: dict[str, Any] = self.product.call(
            "POST", "/events", [self._cloud_event(one) for one in events]
        )
        assert answer["rejected"] == []
        assert answer["duplicates"] == 0
        if answer["quarantined"] == 0:
            self.count(events)
        return answer

    def count(self, events: Iterable[Sent]) -> None:
        for event in events:
            self.sent[event.id] = event

    def counting(self) -> list[Sent]:
        """What counts, in order of time."""
        return sorted((one for one in self.sent.values() if not one.voided), key=lambda one: one.time)

    def close(self, end: datetime) -> dict[str, Any]:
        """Wait for a period to end and be billed: its spend just before must be its invoice. Gives the invoice."""
        known = {invoice["number"] for invoice in self.invoices()}
        self.product.leap(end - MOMENT)
        spend = self.product.call("GET", f"/accounts/{self.code}/spend")
        self.product.goto(end)
        (issued,) = (invoice for invoice in self.invoices() if invoice["number"] not in known)
        sign = -1 if issued["kind"] == "credit_note" else 1
        assert [_essence(line) for line in spend["lines"]] == [
            _essence(line, sign) for line in issued["lines"]
        ]
        if not any(line["meter"] in LEVELS for line in issued["lines"]):
            assert Decimal(spend["subtotal"]) == sign * Decimal(issued["subtotal"])
        return issued

    def invoices(self) -> list[dict[str, Any]]:
        """All documents, in the order they were issued."""
        found: list[dict[str, Any]] = self.product.call(
            "GET", f"/accounts/{self.code}/invoices", limit="100"
        )["results"]
        return found[::-1]

    def usage(
        self, meter: str, start: datetime, end: datetime, granularity: str = "none"
    ) -> list[dict[str, Any]]:
        span = {"from": start.isoformat(), "to": end.isoformat()}
        rows: list[dict[str, Any]] = self.product.call(
            "GET", f"/accounts/{self.code}/usage", meter=meter, granularity=granularity, **span
        )["rows"]
        return rows

    def _cloud_event(self, event: Sent) -> dict[str, Any]:
        attributes: dict[str, Any] = {
            "specversion": "1.0",
            "id": event.id,
            "source": "/scenario",
            "type": event.type,
            "subject": self.code,
            "time": event.time.isoformat(),
            "data": dict(event.data),
        }
        attributes |= {"revision": event.revision} if event.revision else {}
        return attributes | ({"voided": True} if event.voided else {})


def _essence(line: Mapping[str, Any], sign: int = 1) -> tuple[object, ...]:
    """A line without its id; on a credit note amounts are what is given back. Levels grow up to the period's end."""
    quantity = None if line["quantity"] is None else sign * Decimal(line["quantity"])
    amounts = (sign * Decimal(line["amount"]), sign * Decimal(line["exact_amount"]))
    figures = () if line["meter"] in LEVELS else (quantity, *amounts)
    names = tuple(line[name] for name in ("kind", "charge", "meter", "description"))
    end = None if line["kind"] in SO_FAR else line["period"]["end"]
    return (*names, line["period"]["start"], end, *figures)
