"""`bill` and `verify` as an operator runs them."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from accounts.scope import installation_scope
from tests.invoices import world
from tests.invoices.world import utc


@pytest.fixture(autouse=True)
def _customers(committed: str) -> None:
    with installation_scope():
        world.load()
        for code in ("alice", "bob"):
            world.on_plan(world.customer(code), "team", utc(2026, 2, 1))


def bill(*arguments: str) -> str:
    out = io.StringIO()
    call_command("bill", *arguments, stdout=out)
    return out.getvalue()


def test_lists_what_it_issued_and_then_nothing() -> None:
    issued = json.loads(bill("--as-of", "2026-03-01T00:00:00Z", "--json"))
    assert [(each["number"], each["account"], each["total"]) for each in issued] == [
        ("F-000001", "alice", "58.80"),
        ("F-000003", "alice", "58.80"),
        ("F-000002", "bob", "58.80"),
        ("F-000004", "bob", "58.80"),
    ]
    assert json.loads(bill("--as-of", "2026-03-01T00:00:00Z", "--json")) == []
    call_command("verify", stdout=io.StringIO())


def test_one_account() -> None:
    issued = json.loads(bill("--as-of", "2026-02-01T01:00:00+01:00", "--account", "bob", "--json"))
    assert [each["account"] for each in issued] == ["bob"]


def test_the_future_is_refused_unless_allowed() -> None:
    with pytest.raises(CommandError, match="has not come yet"):
        bill("--as-of", "2090-01-01T00:00:00Z")
    assert "documents issued for 1 accounts" in bill(
        "--as-of", "2027-01-01T00:00:00Z", "--account", "alice", "--allow-future"
    )


@pytest.mark.parametrize("text", ["yesterday", "2026-03-01", "2026-03-01T00:00:00"])
def test_an_instant_needs_its_offset(text: str) -> None:
    with pytest.raises(CommandError, match="not an instant with its offset"):
        bill("--as-of", text)


def test_an_unknown_account_is_named() -> None:
    with pytest.raises(CommandError, match="--account nobody"):
        bill("--as-of", "2026-03-01T00:00:00Z", "--account", "nobody")
