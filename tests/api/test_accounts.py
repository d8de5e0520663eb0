"""Accounts over HTTP: exact shapes, merge patch, checked billing details, whose they are."""

import json

import pytest

from accounts.models import Account
from tests.api.conftest import ACCOUNT, Caller, MakeCaller

WHOLE = {
    **ACCOUNT,
    "tax_id": None,
    "tax_code": None,
    "address": {"line1": None, "line2": None, "postcode": None, "city": None},
    "legal_id": None,
    "purchase_order": None,
}


def test_created_account_is_answered_whole(root: Caller) -> None:
    assert root.ok("POST", "/accounts", ACCOUNT, 201) == WHOLE
    assert root.ok("GET", "/accounts/acme") == WHOLE


def test_every_field_is_kept(root: Caller) -> None:
    address = {"line1": "1 rue X", "line2": "Bât. 2", "postcode": "75001", "city": "Paris"}
    more = {
        "tax_id": "FR40303265045",
        "tax_code": "fr-20",
        "address": address,
        "legal_id": "303265045",
        "purchase_order": "PO 1",
    }
    assert root.ok("POST", "/accounts", {**ACCOUNT, **more}, 201) == {**ACCOUNT, **more}


def test_patch_merges_and_null_takes_away(root: Caller, acme: Account) -> None:
    root.ok("PATCH", "/accounts/acme", {"address": {"city": "Paris", "line1": "1 rue X"}, "legal_id": "303"})
    patch = {"address": {"line1": None}, "legal_id": None, "name": "Acme SA"}
    found = root.ok("PATCH", "/accounts/acme", patch, content_type="application/merge-patch+json")
    assert found == {**WHOLE, "name": "Acme SA", "address": {**WHOLE["address"], "city": "Paris"}}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "with space"),
        ("code", "x" * 101),
        ("name", ""),
        ("name", "two\nlines"),
        ("currency", "EURO"),
        ("currency", "XXZ"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../../etc/passwd"),
        ("locale", "nonsense-locale"),
        ("country", "XX"),
        ("country", "fr"),
        ("email", "nobody"),
        ("email", "a@b.example\nBcc: c@d.example"),
        ("tax_id", "FR12"),
        ("tax_code", "no-such-tax"),
        ("address", "1 rue X"),
        ("name", 7),
        ("name", None),
        ("name", True),
        ("legal_id", ["1"]),
    ],
)
def test_refused_value_names_its_field_and_stores_nothing(root: Caller, field: str, value: object) -> None:
    problem = root.refused("POST", "/accounts", 400, {**ACCOUNT, field: value})
    assert problem["errors"][0]["pointer"] == f"/{field}"
    assert not Account.objects.exists()


def test_each_missing_field_is_named(root: Caller) -> None:
    problem = root.refused("POST", "/accounts", 400, {})
    assert {error["pointer"] for error in problem["errors"]} == {f"/{name}" for name in ACCOUNT}


@pytest.mark.parametrize("field", ["is_staff", "id", "total", "Name", "created_at"])
def test_unknown_field_is_refused_by_name(root: Caller, field: str) -> None:
    problem = root.refused("POST", "/accounts", 400, {**ACCOUNT, field: 1})
    assert problem["errors"][0]["pointer"] == f"/{field}"


def test_taken_code_is_a_conflict(root: Caller, acme: Account) -> None:
    assert root.refused("POST", "/accounts", 409, ACCOUNT)["code"] == "conflict"
    assert Account.objects.count() == 1


def test_code_stays(root: Caller, acme: Account) -> None:
    assert root.refused("PATCH", "/accounts/acme", 409, {"code": "new"})["errors"][0]["pointer"] == "/code"
    root.ok("PATCH", "/accounts/acme", {"code": "acme"})


def test_currency_stays_from_the_first_subscription_on(root: Caller, acme: Account) -> None:
    root.ok("PATCH", "/accounts/acme", {"currency": "USD"})
    root.ok("PATCH", "/accounts/acme", {"currency": "EUR"})
    root.ok("POST", "/accounts/acme/subscriptions", {"plan": "team"}, 201)
    assert (
        root.refused("PATCH", "/accounts/acme", 409, {"currency": "USD"})["errors"][0]["pointer"]
        == "/currency"
    )


def test_own_key_changes_its_details_but_not_its_tax(caller: MakeCaller, acme: Account) -> None:
    own = caller("manage", account=acme)
    assert own.ok("PATCH", "/accounts/acme", {"name": "Acme 2"})["name"] == "Acme 2"
    assert own.refused("PATCH", "/accounts/acme", 403, {"tax_code": "fr-20"})["code"] == "forbidden"
    assert own.refused("POST", "/accounts", 403, {**ACCOUNT, "code": "b"})["code"] == "forbidden"
    assert own.refused("PUT", "/catalog", 403, {"catalog": 1})["code"] == "forbidden"


def test_list_is_paged_by_an_opaque_cursor(root: Caller) -> None:
    codes = [f"a{number:02}" for number in range(5)]
    for code in reversed(codes):
        root.ok("POST", "/accounts", {**ACCOUNT, "code": code}, 201)
    seen, path = [], "/accounts?limit=2"
    while path:
        page = root.ok("GET", path)
        assert set(page) == {"results", "next"}
        seen += [account["code"] for account in page["results"]]
        path = page["next"] and page["next"].partition("/api/v1")[2]
    assert seen == codes


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=-1",
        "limit=1e3",
        "limit=٣",
        "cursor=nonsense",
        "cursor=%00",
        "cursor=WzFd",
        "cursor=WyJhIiwiYiJd",
        "cursor=" + "W1" * 200,
        "page=2",
        "limit=1&limit=2",
        "cursor=",
        "%00=1",
    ],
)
def test_bad_page_is_refused_by_parameter(root: Caller, acme: Account, query: str) -> None:
    problem = root.refused("GET", f"/accounts?{query}", 400)
    assert problem["errors"][0]["parameter"] in query.replace("%00", "\x00")


def test_own_key_lists_only_itself(caller: MakeCaller, acme: Account, other: Account) -> None:
    page = caller("read", account=acme).ok("GET", "/accounts")
    assert [account["code"] for account in page["results"]] == ["acme"]


@pytest.mark.parametrize(
    ("country", "tax_id", "status"),
    [
        ("DE", "FR40303265045", 400),  # a valid id, of another country of the EU
        ("FR", "FR40303265045", 200),
        ("GR", "EL094259216", 200),
        ("GR", "GR094259216", 200),
        ("US", "FR40303265045", 200),  # a company from outside may be registered in the EU
    ],
)
def test_vat_id_is_one_of_the_accounts_country(
    root: Caller, acme: Account, country: str, tax_id: str, status: int
) -> None:
    response = root("PATCH", "/accounts/acme", {"country": country, "tax_id": tax_id})
    assert response.status_code == status, response.content
    if status == 400:
        problem = json.loads(response.content)
        assert problem["errors"][0]["pointer"] == "/tax_id"
        assert "one of FR, the account is in DE" in problem["detail"]
