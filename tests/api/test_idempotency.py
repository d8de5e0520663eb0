"""Idempotency-Key: the same request acts once, also when it is sent twice at once."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Account, IdempotentRequest
from accounts.scope import installation_scope
from billing.invoices.models import Invoice
from billing.plans.models import Subscription
from tests.api.conftest import ACCOUNT, CATALOG, Caller, MakeCaller
from tests.together import at_once

SUBSCRIBE = ("POST", "/accounts/acme/subscriptions")


def test_replay_is_answered_as_the_first_and_does_nothing(root: Caller, acme: Account) -> None:
    key = {"idempotency-key": "k1"}
    first = root.ok(*SUBSCRIBE, {"plan": "team", "anchor": "start"}, 201, **key)
    again = root(*SUBSCRIBE, {"anchor": "start", "plan": "team"}, **key)
    assert (again.status_code, again.json()) == (201, first)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Subscription.objects.count() == 1


def test_same_key_with_another_body_is_refused(root: Caller, acme: Account) -> None:
    key = {"idempotency-key": "k1"}
    root.ok(*SUBSCRIBE, {"plan": "team"}, 201, **key)
    assert root.refused(*SUBSCRIBE, 422, {"plan": "free"}, **key)["code"] == "idempotency_key_reused"


def test_error_leaves_the_key_unused(root: Caller, acme: Account) -> None:
    key = {"idempotency-key": "k1"}
    root.refused(*SUBSCRIBE, 400, {"plan": "nothing"}, **key)
    root.ok(*SUBSCRIBE, {"plan": "team"}, 201, **key)


def test_keys_of_different_callers_and_calls_are_apart(
    caller: MakeCaller, root: Caller, acme: Account, other: Account
) -> None:
    key = {"idempotency-key": "k1"}
    root.ok(*SUBSCRIBE, {"plan": "team"}, 201, **key)
    found = caller("manage", account=other).ok(
        "POST", "/accounts/other/subscriptions", {"plan": "team"}, 201, **key
    )
    change = {"plan": "scale", "when": "now"}
    root.ok("POST", f"/subscriptions/{found['id']}/changes", change, **key)


def test_change_and_cancellation_are_made_once(root: Caller, acme: Account) -> None:
    path = f"/subscriptions/{root.ok(*SUBSCRIBE, {'plan': 'team'}, 201)['id']}"
    change = {"plan": "scale", "when": "now"}
    made = root.ok("POST", f"{path}/changes", change, **{"idempotency-key": "change"})
    assert root.ok("POST", f"{path}/changes", change, **{"idempotency-key": "change"}) == made
    ended = root.ok("DELETE", f"{path}?when=now", **{"idempotency-key": "end"})
    assert root.ok("DELETE", f"{path}?when=now", **{"idempotency-key": "end"}) == ended
    root.refused("DELETE", f"{path}?when=period_end", 422, **{"idempotency-key": "end"})


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\x01b"])
def test_unfit_key_is_refused(root: Caller, acme: Account, key: str) -> None:
    problem = root.refused(*SUBSCRIBE, 400, {"plan": "team"}, **{"idempotency-key": key})
    assert problem["errors"][0]["parameter"] == "Idempotency-Key"
    assert not Subscription.objects.exists()


def test_answers_are_forgotten_after_two_days(root: Caller, acme: Account) -> None:
    root.ok(*SUBSCRIBE, {"plan": "team"}, 201, **{"idempotency-key": "old"})
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=49))
    root.refused(*SUBSCRIBE, 409, {"plan": "team"}, **{"idempotency-key": "old"})
    root.ok("PUT", "/accounts/acme/limit", {"amount": "1.00"}, **{"idempotency-key": "new"})
    assert [row.key for row in IdempotentRequest.objects.all()] == ["new"]


def test_eight_at_once_act_once(committed: str) -> None:
    root = Caller(create_key("root", ["manage"])[1])
    root.ok("PUT", "/catalog", CATALOG)
    root.ok("POST", "/accounts", ACCOUNT, 201)

    def send() -> tuple[int, Any]:
        response = Caller(root.key)(*SUBSCRIBE, {"plan": "team"}, **{"idempotency-key": "same"})
        return response.status_code, response.json()

    answers = at_once(*[send] * 8)
    assert [status for status, _ in answers] == [201] * 8
    assert len({body["id"] for _, body in answers}) == 1
    with installation_scope():
        assert (Subscription.objects.count(), Invoice.objects.count()) == (1, 1)
