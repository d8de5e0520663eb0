"""`GET /accounts/{a}/simulation`: the account's usage on a plan, in the lines that an invoice would have."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Account
from tests.api.calls import EVENT
from tests.api.conftest import CATALOG, Caller, MakeCaller
from tests.api.test_walk import LINE, month_ago

pytestmark = pytest.mark.usefixtures("db")
ADDRESS = "/accounts/acme/simulation"


@pytest.fixture
def used(root: Caller, acme: Account) -> dict[str, Any]:
    """A subscription to `team` for a month, and 900 tokens on its first day."""
    start = month_ago()
    made: dict[str, Any] = root.ok(
        "POST", "/accounts/acme/subscriptions", {"plan": "team", "start": start.isoformat()}, 201
    )
    data = {"type": "llm.completion", "data": {"tokens": "900"}}
    root.ok("POST", "/events", [{**EVENT, "id": "e1", "time": start.isoformat(), **data}])
    return made


def test_the_lines_are_those_of_an_invoice(root: Caller, used: dict[str, Any]) -> None:
    start = month_ago()
    end = (start + timedelta(days=10)).isoformat().replace("+00:00", "Z")
    asked = f"?plan=team&from={start.isoformat().replace('+00:00', 'Z')}&to={end}"
    found = root.ok("GET", ADDRESS + asked)
    [period] = found["periods"]
    spend = root.ok("GET", f"/accounts/acme/spend?as_of={end}")
    [mine] = [line for line in period["lines"] if line["kind"] == "usage"]
    [live] = [line for line in spend["lines"] if line["kind"] == "usage"]
    for key in ("charge", "meter", "quantity", "amount", "exact_amount", "tiers"):
        assert mine[key] == live[key], key
    assert all(set(line) == LINE for line in period["lines"])
    assert len({line["id"] for line in period["lines"]}) == len(period["lines"])
    assert period["usage_total"] == mine["amount"]
    assert found["total"] == period["subtotal"]
    assert (found["plan"], found["currency"]) == ("team", "EUR")


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("", "plan"),
        ("?plan=nothing", "plan"),
        ("?plan=dollars", "plan"),
        ("?plan=scale&from=2026-02-01&to=2026-01-01", "to"),
        ("?plan=scale&from=2024-02-01&to=2026-01-01", "to"),
        ("?plan=scale&from=0001-01-02&to=2026-01-01", "from"),
        ("?plan=scale&from=9998-01-02&to=2026-01-01", "from"),
        ("?plan=scale&to=soon", "to"),
        ("?plan=scale&months=1", "months"),
    ],
)
def test_a_bad_question_names_what_is_wrong(root: Caller, acme: Account, asked: str, named: str) -> None:
    [team] = [one for one in CATALOG["plans"] if one["code"] == "team"]
    root.ok("PUT", "/catalog", {**CATALOG, "plans": [{**team, "code": "dollars", "currency": "USD"}]})
    problem = root.refused("GET", ADDRESS + asked, 400)
    assert problem["errors"][0]["parameter"] == named


def test_a_plan_that_is_not_public_needs_an_installation_key_unless_the_account_is_on_it(
    root: Caller, acme: Account, caller: MakeCaller, used: dict[str, Any]
) -> None:
    own = caller("read", account=acme)
    assert own.ok("GET", f"{ADDRESS}?plan=scale")["plan"] == "scale"
    own.refused("GET", f"{ADDRESS}?plan=secret", 403)
    assert root.ok("GET", f"{ADDRESS}?plan=secret")["plan"] == "secret"
    root.ok("POST", f"/subscriptions/{used['id']}/changes", {"plan": "secret", "when": "now"})
    assert own.ok("GET", f"{ADDRESS}?plan=secret")["plan"] == "secret"
