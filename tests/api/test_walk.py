"""The whole way over HTTP, to the exact keys and cents: sell, subscribe, use, look, limit, change, invoice, cancel."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from billing.invoices.actions import bill_account
from tests.api.conftest import ACCOUNT, CATALOG, Caller, MakeCaller

LINE = {
    "id",
    "kind",
    "charge",
    "meter",
    "description",
    "period",
    "quantity",
    "unit",
    "amount",
    "exact_amount",
    "tiers",
}
INVOICE = {
    "number",
    "kind",
    "status",
    "account",
    "currency",
    "issued_at",
    "due_at",
    "period",
    "lines",
    "subtotal",
    "discounts",
    "taxes",
    "tax_total",
    "total",
    "credits_applied",
    "amount_due",
    "credits",
}
SPEND = {
    *("as_of", "period", "currency", "lines", "usage_total", "subtotal", "discounts", "tax_total", "total"),
    *("limit", "forecast"),
}
SUBSCRIPTION = {
    "id",
    "plan",
    "version",
    "status",
    "period",
    "started_at",
    "canceled_at",
    "scheduled_change",
}


def event(number: int, time: datetime, tokens: str, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/test",
        "type": "llm.completion",
        "subject": "acme",
        "time": time.isoformat(),
        "data": {"tokens": tokens, "model": "m1", "region": "eu"},
    } | more


def month_ago() -> datetime:
    """The first day of the last month, at noon in UTC."""
    return (timezone.now().replace(day=1) - timedelta(days=1)).replace(
        day=1, hour=12, minute=0, second=0, microsecond=0
    )


@pytest.fixture
def subscription(root: Caller, acme: Account) -> dict[str, Any]:
    return root.ok("POST", "/accounts/acme/subscriptions", {"plan": "team"}, 201)


def test_catalogue_is_read_as_it_was_loaded(root: Caller) -> None:
    meters = root.ok("GET", "/meters")["results"]
    assert [meter["code"] for meter in meters] == ["calls", "energy", "tokens"]
    assert meters[2] == {**CATALOG["meters"][0], "unit_code": "C62", "archived": False}
    plans = {plan["code"]: plan for plan in root.ok("GET", "/plans")["results"]}
    assert plans["team"]["version"] == 1
    assert plans["team"]["base_price"] == "49.00"
    assert plans["team"]["charges"][0]["tiers"][1] == {"up_to": None, "unit_price": "0.02", "flat_price": "5"}
    assert set(plans) == {"free", "team", "scale", "secret"}


def test_own_key_sees_the_plans_that_its_customer_may_choose(caller: MakeCaller, acme: Account) -> None:
    plans = caller("read", account=acme).ok("GET", "/plans")["results"]
    assert [plan["code"] for plan in plans] == ["free", "scale", "team"]


def test_loading_the_same_catalogue_again_changes_nothing(root: Caller) -> None:
    assert root.ok("PUT", "/catalog", CATALOG) == {"changes": []}
    plan = {**CATALOG["plans"][1], "base_price": "50.00"}
    change = {"kind": "plan", "code": "team", "action": "published", "version": 2}
    assert root.ok("PUT", "/catalog", {"catalog": 1, "plans": [plan]}) == {"changes": [change]}


def test_what_the_catalogue_answers_may_be_sent_back(root: Caller) -> None:
    parts = {part: root.ok("GET", f"/{part}")["results"] for part in ("meters", "plans")}
    assert all(parts.values())
    assert root.ok("PUT", "/catalog", {"catalog": 1, **parts}) == {"changes": []}


def test_catalogue_may_be_yaml(root: Caller) -> None:
    body = b"catalog: 1\ntaxes:\n- {code: de-19, name: USt., rate: 19, country: DE, category: S}\n"
    for media in ("application/yaml", "application/x-yaml; charset=utf-8", "text/yaml"):
        answer = root("PUT", "/catalog", body, content_type=media)
        assert answer.status_code == 200, answer.content
    for bad in (
        b"catalog: 1\ncatalog: 1\n",
        b"a: &a [*a]",
        b"!!python/object:os.system {}",
        b"\xff",
        b"a: [" * 100,
        b"!!float snan: 1",
        b"a: !!map word",
    ):
        assert (
            root.refused("PUT", "/catalog", 400, bad, content_type="application/yaml")["code"] == "malformed"
        )


def test_every_fault_of_a_catalogue_is_told_at_its_place(root: Caller) -> None:
    plan = {**CATALOG["plans"][1], "charges": [{"meter": "nothing", "model": "per_unit", "unit_price": "-1"}]}
    problem = root.refused("PUT", "/catalog", 400, {"catalog": 1, "plans": [plan]})
    places = {error["pointer"] for error in problem["errors"]}
    assert {"/plans/0/charges/0/meter", "/plans/0/charges/0/unit_price"} <= places
    assert problem["errors"][0]["path"].startswith("plans[0].charges[0]")
    many = root.refused(
        "PUT", "/catalog", 400, {"catalog": 1, "plans": [{"code": f"p{n}"} for n in range(99)]}
    )
    assert len(many["errors"]) == 2 * 99


@pytest.mark.parametrize(
    ("body", "path", "pointer"),
    [
        (b"[]", "top level", ""),
        (b"{}", "catalog", "/catalog"),
        (b'{"catalog": 1, "a/b": 0}', "'a/b'", "/a~1b"),
        (b'{"catalog": 1, "coupons": [{"code": "x", "percent": 1e999}]}', "coupons[0].percent", "/coupons/0/percent"),
        (b'{"catalog": 1, "coupons": [{"code": "x\\u0000", "percent": 1}]}', "coupons[0].code", "/coupons/0/code"),
    ],
)  # fmt: skip
def test_a_fault_of_a_catalogue_has_its_path_and_pointer(
    root: Caller, body: bytes, path: str, pointer: str
) -> None:
    (error,) = root.refused("PUT", "/catalog", 400, body)["errors"]
    assert (error["path"], error["pointer"]) == (path, pointer)


def test_subscription_is_answered_whole(root: Caller, subscription: dict[str, Any]) -> None:
    assert set(subscription) == SUBSCRIPTION
    assert (subscription["plan"], subscription["version"], subscription["status"]) == ("team", 1, "active")
    assert set(subscription["period"]) == {"start", "end"}
    assert subscription["period"]["end"].endswith("Z")
    assert root.ok("GET", f"/subscriptions/{subscription['id']}") == subscription
    assert root.ok("GET", "/accounts/acme/subscriptions") == {"results": [subscription], "next": None}


def test_first_base_price_is_invoiced_at_once(root: Caller, subscription: dict[str, Any]) -> None:
    page = root.ok("GET", "/accounts/acme/invoices")
    (invoice,) = page["results"]
    assert set(invoice) == INVOICE
    (line,) = invoice["lines"]
    assert set(line) == LINE
    assert (line["kind"], line["amount"], invoice["subtotal"]) == ("base", "49.00", "49.00")
    assert root.ok("GET", f"/invoices/{invoice['number']}") == invoice
    assert root.ok("GET", f"/invoices/{invoice['number']}/lines/{line['id']}/events") == {
        "results": [],
        "next": None,
    }


def test_second_subscription_is_a_conflict(root: Caller, subscription: dict[str, Any]) -> None:
    assert (
        root.refused("POST", "/accounts/acme/subscriptions", 409, {"plan": "free"})["code"]
        == "already_subscribed"
    )


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/plan"),
        ({"plan": "nothing"}, "/plan"),
        ({"plan": 5}, "/plan"),
        ({"plan": "team", "anchor": "moon"}, "/anchor"),
        ({"plan": "team", "start": "yesterday"}, "/start"),
        ({"plan": "team", "start": "2026-02-30"}, "/start"),
        ({"plan": "team", "start": "2026-01-01T00:00:00"}, "/start"),
        ({"plan": "team", "start": "9999-12-31T23:59:59-12:00"}, "/start"),
        ({"plan": "team", "start": "1999-01-01T00:00:00Z"}, "/start"),
        ({"plan": "team", "start": "0001-01-01"}, "/start"),
        ({"plan": "team", "start": "9999-12-31"}, "/start"),
        ({"plan": "team", "account": "other"}, "/account"),
    ],
)
def test_refused_subscription_names_the_field(root: Caller, acme: Account, body: Any, pointer: str) -> None:
    problem = root.refused("POST", "/accounts/acme/subscriptions", 400, body)
    assert problem["errors"][0]["pointer"] == pointer
    assert root.ok("GET", "/accounts/acme/subscriptions")["results"] == []


def test_usage_spend_and_allowance_tell_the_same(root: Caller, subscription: dict[str, Any]) -> None:
    now = timezone.now()
    result = root.ok("POST", "/events", [event(1, now, "1500"), event(2, now, "0.5")])
    assert result == {"accepted": 2, "duplicates": 0, "quarantined": 0, "rejected": []}

    usage = root.ok("GET", "/accounts/acme/usage?meter=tokens&granularity=none&group_by=model,region")
    start = subscription["period"]["start"]
    row = {"start": start, "dimensions": {"model": "m1", "region": "eu"}, "quantity": "1500.5", "events": 2}
    assert usage == {"meter": "tokens", "unit": "token", "rows": [row]}

    spend = root.ok("GET", "/accounts/acme/spend")
    assert set(spend) == SPEND
    assert spend["usage_total"] == "15.01"  # 500.5 × 0.02 + 5.00, half up
    used = next(line for line in spend["lines"] if line["kind"] == "usage")
    assert set(used) == LINE
    assert (used["quantity"], used["amount"], used["exact_amount"]) == ("1500.5", "15.01", "15.01")
    assert spend["forecast"] == {"low": None, "expected": None, "high": None}
    assert spend["limit"] is None

    allowance = root.ok("GET", "/accounts/acme/allowance")
    assert allowance == {
        "allowed": True,
        "reason": None,
        "limit": None,
        "spent": "15.01",
        "remaining": None,
        "resets_at": subscription["period"]["end"],
        "as_of": allowance["as_of"],
    }


def test_limit_is_set_shown_and_lifted(root: Caller, subscription: dict[str, Any]) -> None:
    assert root.ok("GET", "/accounts/acme/limit") == {
        "amount": None,
        "action": "notify",
        "thresholds": [50, 80, 100],
    }
    limit = {"amount": "15.00", "action": "stop", "thresholds": [90], "pace": False}
    assert root.ok("PUT", "/accounts/acme/limit", limit) == limit
    assert root.ok("GET", "/accounts/acme/limit") == limit
    root.ok("POST", "/events", [event(1, timezone.now(), "1000")])
    asked = root.ok("GET", "/accounts/acme/allowance?meter=tokens&quantity=500&dimensions=region:eu")
    assert (asked["allowed"], asked["remaining"], asked["limit"]) == (True, "15.00", "15.00")
    asked = root.ok("GET", "/accounts/acme/allowance?meter=tokens&quantity=501")
    assert (asked["allowed"], asked["reason"]) == (False, "account_limit_reached")
    of_meter = {"amount": "1.00", "action": "notify", "thresholds": []}
    assert root.ok("PUT", "/accounts/acme/limit?meter=calls", of_meter) == of_meter
    assert root.ok("GET", "/accounts/acme/limit?meter=calls") == of_meter
    assert root.ok("PUT", "/accounts/acme/limit", {"amount": None})["amount"] is None
    assert root.ok("GET", "/accounts/acme/spend")["limit"] is None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/amount"),
        ({"amount": "-1"}, "/amount"),
        ({"amount": "1.001"}, "/amount"),
        ({"amount": "1e3"}, "/amount"),
        ({"amount": "NaN"}, "/amount"),
        ({"amount": "٣"}, "/amount"),
        ({"amount": True}, "/amount"),
        ({"amount": "9" * 30}, "/amount"),
        ({"amount": ["1"]}, "/amount"),
        ({"amount": "1", "action": "halt"}, "/action"),
        ({"amount": "1", "action": None}, "/action"),
        ({"amount": "1", "pace": "no"}, "/pace"),
        ({"amount": "1", "thresholds": "50"}, "/thresholds"),
        ({"amount": "1", "thresholds": [0]}, "/thresholds"),
        ({"amount": "1", "thresholds": [True]}, "/thresholds/0"),
        ({"amount": "1", "thresholds": [50, 50]}, "/thresholds"),
        ({"amount": "1", "thresholds": [10**40]}, "/thresholds"),
        ({"amount": "1", "since": "2020-01-01T00:00:00Z"}, "/since"),
    ],
)
def test_refused_limit_names_the_field(root: Caller, acme: Account, body: Any, pointer: str) -> None:
    problem = root.refused("PUT", "/accounts/acme/limit", 400, body)
    assert problem["errors"][0]["pointer"] == pointer
    assert root.ok("GET", "/accounts/acme/limit")["amount"] is None


def test_change_is_what_was_shown(root: Caller, subscription: dict[str, Any]) -> None:
    path = f"/subscriptions/{subscription['id']}/changes"
    shown = root.ok("POST", path, {"plan": "scale", "when": "now", "preview": True})
    assert set(shown) == {"quote", "lines", "next_invoice_at"}
    assert [line["kind"] for line in shown["lines"]] == ["proration", "proration"]
    assert all(set(line) == LINE for line in shown["lines"])
    assert len({line["id"] for line in shown["lines"]}) == 2
    assert root.ok("GET", f"/subscriptions/{subscription['id']}")["plan"] == "team"
    made = root.ok("POST", path, {"plan": "scale", "when": "now", "quote": shown["quote"]})
    assert made["lines"] == shown["lines"]
    assert root.ok("GET", f"/subscriptions/{subscription['id']}")["plan"] == "scale"
    spend = root.ok("GET", "/accounts/acme/spend")
    amounts = [line["amount"] for line in spend["lines"] if line["kind"] == "proration"]
    assert amounts == [line["amount"] for line in shown["lines"]]


def test_quote_that_no_longer_holds_is_refused_with_the_new_one(
    root: Caller, subscription: dict[str, Any]
) -> None:
    path = f"/subscriptions/{subscription['id']}/changes"
    shown = root.ok("POST", path, {"plan": "scale", "when": "now", "preview": True})
    root.ok("PUT", "/catalog", {"catalog": 1, "plans": [{**CATALOG["plans"][2], "base_price": "120.00"}]})
    problem = root.refused("POST", path, 409, {"plan": "scale", "when": "now", "quote": shown["quote"]})
    assert problem["code"] == "quote_changed"
    assert problem["quote"] != shown["quote"]
    assert problem["lines"][1]["amount"] != shown["lines"][1]["amount"]
    root.ok("POST", path, {"plan": "scale", "when": "now", "quote": problem["quote"]})


def test_scheduled_change_is_shown_and_taken_back(root: Caller, subscription: dict[str, Any]) -> None:
    path = f"/subscriptions/{subscription['id']}"
    root.ok("POST", f"{path}/changes", {"plan": "free", "when": "period_end"})
    at = subscription["period"]["end"]
    assert root.ok("GET", path)["scheduled_change"] == {"plan": "free", "version": 1, "at": at}
    assert root.ok("DELETE", f"{path}/changes") == subscription
    assert root.refused("DELETE", f"{path}/changes", 409)["code"] == "nothing_scheduled"
    canceling = root.ok("DELETE", path)
    assert canceling["scheduled_change"] == {"plan": None, "version": None, "at": at}
    assert canceling["status"] == "active"


def test_cancelling_now_issues_the_final_invoice(root: Caller, subscription: dict[str, Any]) -> None:
    root.ok("POST", "/events", [event(1, timezone.now(), "20000")])
    ended = root.ok("DELETE", f"/subscriptions/{subscription['id']}?when=now")
    assert ended["status"] == "canceled"
    assert ended["canceled_at"] == ended["period"]["end"]
    final = root.ok("GET", "/accounts/acme/invoices")["results"][0]
    assert ("usage", "385.00") in [(line["kind"], line["amount"]) for line in final["lines"]]
    assert root.refused("DELETE", f"/subscriptions/{subscription['id']}", 409)["code"] == "subscription_ended"


def test_what_customers_may_not_do(
    caller: MakeCaller, root: Caller, subscription: dict[str, Any], acme: Account
) -> None:
    own, path = caller("manage", account=acme), f"/subscriptions/{subscription['id']}"
    assert (
        own.refused("POST", f"{path}/changes", 403, {"plan": "free", "when": "now"})["code"]
        == "change_not_allowed"
    )
    assert (
        own.refused("POST", f"{path}/changes", 403, {"plan": "secret", "when": "period_end"})["code"]
        == "plan_not_public"
    )
    at = timezone.now().isoformat()
    assert own.refused("POST", f"{path}/changes", 403, {"plan": "scale", "at": at})["code"] == "forbidden"
    assert own.refused("DELETE", f"{path}?when=now", 403)["code"] == "change_not_allowed"
    own.ok("POST", f"{path}/changes", {"plan": "scale", "when": "now"})
    root.ok("POST", f"{path}/changes", {"plan": "secret", "when": "now"})


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"when": "now"}, "/plan"),
        ({"plan": "scale"}, "/when"),
        ({"plan": "scale", "when": "soon"}, "/when"),
        ({"plan": "scale", "when": "now", "at": "2026-01-01T00:00:00Z"}, "/when"),
        ({"plan": "scale", "at": "2026-01-01"}, "/at"),
        ({"plan": "scale", "at": "2001-01-01T00:00:00Z"}, "/at"),
        ({"plan": "scale", "at": "2101-01-01T00:00:00Z"}, "/at"),
        ({"plan": "scale", "when": "now", "preview": "yes"}, "/preview"),
        ({"plan": "scale", "when": "now", "force": True}, "/force"),
        ({"plan": "scale", "when": "now", "quote": 1}, "/quote"),
    ],
)
def test_refused_change_names_the_field(
    root: Caller, subscription: dict[str, Any], body: Any, pointer: str
) -> None:
    problem = root.refused("POST", f"/subscriptions/{subscription['id']}/changes", 400, body)
    assert problem["errors"][0]["pointer"] == pointer


def test_past_month_is_invoiced_and_its_events_are_listed_with_their_costs(
    root: Caller, acme: Account
) -> None:
    start = month_ago()
    root.ok("POST", "/accounts/acme/subscriptions", {"plan": "team", "start": start.date().isoformat()}, 201)
    events = [event(number, start + timedelta(hours=number), "600") for number in range(1, 6)]
    assert root.ok("POST", "/events", events)["accepted"] == 5
    as_of = (start + timedelta(hours=3, minutes=1)).astimezone(UTC).isoformat().replace("+00:00", "Z")
    assert (
        root.ok("GET", f"/accounts/acme/spend?as_of={as_of}")["usage_total"] == "21.00"
    )  # 800 × 0.02 + 5.00
    bill_account(acme, timezone.now())
    invoice = next(
        one
        for one in root.ok("GET", "/accounts/acme/invoices")["results"]
        if one["lines"][0]["kind"] == "usage"
    )
    line = invoice["lines"][0]
    assert line["amount"] == "45.00"  # 3000 tokens: 2000 × 0.02 + 5.00
    seen, path = [], f"/invoices/{invoice['number']}/lines/{line['id']}/events?limit=2"
    while path:
        page = root.ok("GET", path)
        seen += page["results"]
        path = page["next"] and page["next"].partition("/api/v1")[2]
    assert [one["id"] for one in seen] == ["e1", "e2", "e3", "e4", "e5"]
    assert set(seen[0]) == {
        "id",
        "source",
        "type",
        "time",
        "received_at",
        "revision",
        "data",
        "quantity",
        "cost",
    }
    assert sum(Decimal(one["cost"]) for one in seen) == Decimal(line["exact_amount"])
    assert seen[0]["cost"] == "0"
    for bad in ("nonsense", "WyJhIiwiYiIsImMiLCJkIl0"):
        root.refused("GET", f"/invoices/{invoice['number']}/lines/{line['id']}/events?cursor={bad}", 400)


def test_account_without_subscription_has_nothing_to_show(root: Caller, acme: Account) -> None:
    spend = root.ok("GET", "/accounts/acme/spend")
    assert (spend["period"], spend["lines"], spend["usage_total"], spend["subtotal"]) == (
        None,
        [],
        "0.00",
        "0.00",
    )
    assert root.ok("GET", "/accounts/acme/usage?meter=tokens&from=2026-01-01&to=2026-02-01")["rows"] == []
    assert root.ok("GET", "/accounts/acme/invoices") == {"results": [], "next": None}
    assert root.ok("GET", "/accounts/acme/allowance")["allowed"] is True


def test_subscription_that_starts_later_is_pending(root: Caller, acme: Account) -> None:
    start = (timezone.now() + timedelta(days=10)).isoformat()
    found = root.ok(
        "POST", "/accounts/acme/subscriptions", {"plan": "team", "start": start, "anchor": "calendar"}, 201
    )
    assert (found["status"], found["period"]) == ("pending", None)
    assert root.ok("GET", "/accounts/acme/invoices")["results"] == []


def test_texts_follow_the_accounts_language(root: Caller, acme: Account) -> None:
    root.ok("POST", "/accounts", {**ACCOUNT, "code": "fr", "locale": "fr"}, 201)
    assert root.ok("GET", "/accounts/fr/usage?meter=tokens")["unit"] == "jeton"
