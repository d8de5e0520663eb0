"""The life of a subscription through the API: each call is shown first, and does what it showed."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from billing.plans.models import Plan, Subscription
from tests.api.calls import EVENT
from tests.api.conftest import Caller, MakeCaller

PREVIEW = {"quote", "lines", "next_invoice_at", "plan", "version", "effective_at", "trial_end", "invoice"}
SUBSCRIBE = "/accounts/acme/subscriptions"
SUMS = ("subtotal", "tax_total", "total", "amount_due")


@pytest.fixture
def path(root: Caller, acme: Account) -> str:
    """The address of a subscription to Team with 20,000 tokens used."""
    found = root.ok("POST", SUBSCRIBE, {"plan": "team"}, 201)
    used = {
        **EVENT,
        "type": "llm.completion",
        "time": timezone.now().isoformat(),
        "data": {"tokens": "20000"},
    }
    root.ok("POST", "/events", [used])
    return f"/subscriptions/{found['id']}"


def invoices(root: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = root.ok("GET", "/accounts/acme/invoices")["results"]
    return found


def test_subscribing_issues_the_invoice_that_was_shown(root: Caller, acme: Account) -> None:
    asked = {"plan": "team", "anchor": "calendar"}
    shown = root.ok("POST", SUBSCRIBE, {**asked, "preview": True})
    assert set(shown) == PREVIEW
    assert not Subscription.objects.exists()
    assert invoices(root) == []
    root.ok("POST", SUBSCRIBE, {**asked, "quote": shown["quote"]}, 201)
    (issued,) = invoices(root)
    assert {key: issued[key] for key in SUMS} == {key: shown["invoice"][key] for key in SUMS}
    assert [line["amount"] for line in issued["lines"]] == [line["amount"] for line in shown["lines"]]


def test_a_subscription_that_is_not_what_was_shown_is_refused(root: Caller, acme: Account) -> None:
    shown = root.ok("POST", SUBSCRIBE, {"plan": "team", "preview": True})
    problem = root.refused("POST", SUBSCRIBE, 409, {"plan": "scale", "quote": shown["quote"]})
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("quote_changed", "/quote")
    assert problem["lines"][0]["amount"] == "99.00"
    assert root.ok("GET", SUBSCRIBE)["results"] == []
    root.ok("POST", SUBSCRIBE, {"plan": "scale", "quote": problem["quote"]}, 201)


def test_cancelling_now_issues_the_final_invoice_that_was_shown(root: Caller, path: str) -> None:
    shown = root.ok("DELETE", f"{path}?when=now&preview=true")
    assert set(shown) == PREVIEW
    assert (shown["plan"], shown["version"]) == (None, None)
    assert [line["kind"] for line in shown["invoice"]["lines"]] == ["usage", "proration"]
    assert root.ok("GET", path)["status"] == "active", "nothing has happened"
    assert len(invoices(root)) == 1
    ended = root.ok("DELETE", f"{path}?when=now&quote={shown['quote']}")
    assert ended["status"] == "canceled"
    final = invoices(root)[0]
    assert {key: final[key] for key in SUMS} == {key: shown["invoice"][key] for key in SUMS}
    assert {line["amount"] for line in shown["lines"]} <= {line["amount"] for line in final["lines"]}


def test_cancelling_at_the_end_shows_the_last_invoice_so_far(root: Caller, path: str) -> None:
    shown = root.ok("DELETE", f"{path}?preview=true")
    assert shown["lines"] == []
    assert [line["kind"] for line in shown["invoice"]["lines"]] == ["usage"], "no base price follows"
    assert root.ok("GET", path)["scheduled_change"] is None
    assert root.refused("DELETE", f"{path}?quote=made-up", 409)["code"] == "quote_changed"
    assert root.ok("DELETE", f"{path}?quote={shown['quote']}")["scheduled_change"]["plan"] is None


def test_taking_back_is_shown_first(root: Caller, path: str) -> None:
    root.ok("DELETE", path)
    shown = root.ok("DELETE", f"{path}/changes?preview=true")
    assert (set(shown), shown["plan"], shown["lines"]) == (PREVIEW, "team", [])
    assert root.refused("DELETE", f"{path}/changes?quote=x", 409)["code"] == "quote_changed"
    assert root.ok("DELETE", f"{path}/changes?quote={shown['quote']}")["scheduled_change"] is None


def test_reactivating_takes_a_cancellation_back(root: Caller, path: str) -> None:
    assert root.refused("POST", f"{path}/reactivate", 409, {})["code"] == "subscription_running"
    root.ok("DELETE", path)
    shown = root.ok("POST", f"{path}/reactivate", {"preview": True})
    assert (shown["plan"], shown["lines"], shown["invoice"]) == ("team", [], None)
    running = root.ok("POST", f"{path}/reactivate", {"quote": shown["quote"]})
    assert path.endswith(running["id"])
    assert running["scheduled_change"] is None


def test_reactivating_after_the_end_begins_anew_with_the_invoice_that_was_shown(
    caller: MakeCaller, root: Caller, path: str, acme: Account
) -> None:
    own = caller("manage", account=acme)
    root.ok("PUT", "/accounts/acme/limit", {"amount": "500.00", "action": "stop"})
    root.ok("DELETE", f"{path}?when=now")
    shown = own.ok("POST", f"{path}/reactivate", {"preview": True})
    assert [line["amount"] for line in shown["lines"]] == ["49.00"]
    running = own.ok("POST", f"{path}/reactivate", {"quote": shown["quote"]}, 201)
    assert not path.endswith(running["id"])
    assert invoices(root)[0]["total"] == shown["invoice"]["total"]
    assert root.ok("GET", "/accounts/acme/allowance")["spent"] == "385.00", (
        "the limit's running period goes on"
    )
    assert own.refused("POST", f"{path}/reactivate", 409, {})["code"] == "already_subscribed"


def test_who_may_reactivate_what(caller: MakeCaller, root: Caller, path: str, acme: Account) -> None:
    own = caller("manage", account=acme)
    root.ok("DELETE", f"{path}?when=now")
    Plan.objects.filter(code="team").update(public=False)
    problem = own.refused("POST", f"{path}/reactivate", 403, {})
    assert problem["code"] == "plan_not_public"
    assert "errors" not in problem, "the plan was not an input"
    Plan.objects.filter(code="team").update(archived=True)
    assert root.refused("POST", f"{path}/reactivate", 400, {})["code"] == "plan_not_for_sale"
    Plan.objects.filter(code="team").update(archived=False)
    root.ok("POST", f"{path}/reactivate", {}, 201)


@pytest.mark.parametrize(
    ("query", "name"),
    [("preview=yes", "preview"), ("when=soon", "when"), ("quote=", "quote"), ("at=now", "at")],
)
def test_bad_parameters_are_named(root: Caller, path: str, query: str, name: str) -> None:
    assert root.refused("DELETE", f"{path}?{query}", 400)["errors"][0]["parameter"] == name
    assert root.ok("GET", path)["scheduled_change"] is None


def test_the_same_key_reactivates_once(root: Caller, path: str) -> None:
    root.ok("DELETE", f"{path}?when=now")
    key = {"Idempotency-Key": "once"}
    first = root.ok("POST", f"{path}/reactivate", {}, 201, **key)
    assert root.ok("POST", f"{path}/reactivate", {}, 201, **key) == first
    assert Subscription.objects.count() == 2
