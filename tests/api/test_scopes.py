"""Which key may make which call, for every call and kind of key; and what is not there for whom."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Account, ApiKey
from tests.api.calls import CALLS, EVENT, NAMES, OF_ACCOUNT, Call, reserve, webhook
from tests.api.conftest import Caller, MakeCaller, check_problem


def places(root: Caller, account: Account) -> dict[str, str]:
    """An account's ids, with a subscription and its first invoice."""
    subscription = root.ok("POST", f"/accounts/{account.code}/subscriptions", {"plan": "team"}, 201)
    invoice = root.ok("GET", f"/accounts/{account.code}/invoices")["results"][0]
    return {
        "a": account.code,
        "s": subscription["id"],
        "n": invoice["number"],
        "l": invoice["lines"][0]["id"],
        "r": reserve(root, account.code),
        **dict(zip("wd", webhook(root, account.code), strict=True)),
    }


@pytest.fixture
def acme_places(root: Caller, acme: Account) -> dict[str, str]:
    return places(root, acme)


def test_every_call_is_in_the_sweep() -> None:
    described = json.loads(Client().get("/api/v1/openapi.json").content)["paths"]
    known = {
        (path.removeprefix("/api/v1"), method.upper())
        for path, methods in described.items()
        for method in methods
    }
    assert {(call.path.partition("?")[0].format(**NAMES), call.method) for call in CALLS} == known


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
@pytest.mark.parametrize("scope", ["ingest", "read", "manage"])
def test_scope(
    caller: MakeCaller, acme: Account, acme_places: dict[str, str], call: Call, scope: str
) -> None:
    for account in (acme, None):
        response = caller(scope, account=account)(call.method, call.path.format(**acme_places), call.body)
        refused = scope not in call.scopes or (account is not None and call.installation_only)
        assert (response.status_code == 403) == refused, response.content


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_without_a_live_key(caller: MakeCaller, acme_places: dict[str, str], call: Call) -> None:
    now = timezone.now()
    revoked, expired = create_key("r", ["manage"]), create_key("e", ["manage"])
    ApiKey.objects.filter(pk=revoked[0].pk).update(revoked_at=now)
    ApiKey.objects.filter(pk=expired[0].pk).update(expires_at=now - timedelta(seconds=1))
    for key in ("", revoked[1], expired[1], "x" * 100_000, "' OR 1=1--", revoked[1][:-1]):
        response = Caller(key)(call.method, call.path.format(**acme_places), call.body)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    for header in ("Basic OjpA", "Bearer", "bearer  ", "Bearer \x7f", "Token x"):
        headers = {"authorization": header}
        response = Client().generic(
            call.method, f"/api/v1{call.path.format(**acme_places)}", b"", "application/json", headers=headers
        )
        assert response.status_code == 401
        check_problem(response)


@pytest.mark.parametrize("call", OF_ACCOUNT, ids=lambda call: call.name)
def test_what_is_anothers_is_answered_as_what_does_not_exist(
    caller: MakeCaller, root: Caller, acme: Account, other: Account, call: Call
) -> None:
    mine, theirs = places(root, acme), places(root, other)
    unknown = {**{place: str(uuid4()) for place in NAMES}, "a": "nobody", "n": "F-999999"}
    before = root.ok("GET", "/accounts/other"), root.ok("GET", f"/subscriptions/{theirs['s']}")
    own = caller("manage", account=acme)
    for ids in (
        theirs,
        {
            **mine,
            **{place: theirs[place] for place in ("a", "s", "n", "r", "w") if f"{{{place}}}" in call.path},
        },
    ):
        response = own(call.method, call.path.format(**ids), call.body)
        nothing = own(call.method, call.path.format(**unknown), call.body)
        assert (response.status_code, response.content) == (404, nothing.content)
        assert b"anary" not in response.content
    if "{l}" in call.path:
        assert own(call.method, call.path.format(**{**mine, "l": theirs["l"]})).status_code == 404
    assert before == (root.ok("GET", "/accounts/other"), root.ok("GET", f"/subscriptions/{theirs['s']}"))


def test_own_key_never_sends_for_another(caller: MakeCaller, acme: Account, other: Account) -> None:
    own = caller("ingest", account=acme)
    for subject in ("other", "nobody"):
        body = own.ok("POST", "/events", [{**EVENT, "subject": subject}], 422)
        assert body["accepted"] == 0
        assert body["rejected"][0]["code"] == "invalid_attribute"


def test_last_use_is_noted_at_most_once_a_minute(caller: MakeCaller, root: Caller) -> None:
    key, text = create_key("k", ["read"])
    Caller(text)("GET", "/meters")
    first = ApiKey.objects.get(pk=key.pk).last_used_at
    assert first is not None
    Caller(text)("GET", "/accounts/nobody")
    assert ApiKey.objects.get(pk=key.pk).last_used_at == first
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=first - timedelta(seconds=61))
    Caller(text)("GET", "/accounts/nobody")
    assert (ApiKey.objects.get(pk=key.pk).last_used_at or first) >= first


def test_answers_are_not_cached(root: Caller, acme_places: dict[str, Any]) -> None:
    for call in OF_ACCOUNT:
        if call.method == "GET":
            assert root("GET", call.path.format(**acme_places)).headers["Cache-Control"] == "no-store"
