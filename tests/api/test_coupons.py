"""Redeeming a coupon by the API, and what /spend and invoices then say."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account
from billing.plans.models import Redemption
from tests.api.conftest import Caller, MakeCaller, check_problem

COUPONS = {
    "catalog": 1,
    "coupons": [
        {"code": "WELCOME", "percent": "20", "periods": 3},
        {"code": "TEN", "amount": "10.00", "currency": "EUR"},
        {"code": "DOLLARS", "amount": "10.00", "currency": "USD"},
    ],
}
PATH = "/accounts/acme/coupons"


@pytest.fixture(autouse=True)
def _coupons(root: Caller, acme: Account) -> None:
    root.ok("PUT", "/catalog", COUPONS)


def test_what_was_redeemed_and_what_is_left(caller: MakeCaller, root: Caller, acme: Account) -> None:
    own = caller("manage", account=acme)
    made = own.ok("POST", PATH, {"code": "WELCOME"}, 201)
    assert made.pop("redeemed_at")
    assert made == {
        "code": "WELCOME",
        "percent": "20",
        "amount": None,
        "currency": None,
        "periods": 3,
        "covered": [],
        "periods_left": 3,
    }
    started = timezone.now() - timedelta(days=1)
    root.ok("POST", "/accounts/acme/subscriptions", {"plan": "team", "start": started.isoformat()}, 201)
    root.ok("POST", PATH, {"code": "TEN"}, 201)
    first, second = root.ok("GET", PATH)["results"]
    assert (first["code"], second["code"]) == ("WELCOME", "TEN")
    assert len(first["covered"]) == 1
    assert first["covered"][0]["start"].endswith("Z")
    assert (second["amount"], second["currency"], second["periods"], second["periods_left"]) == (
        "10.00", "EUR", None, None,
    )  # fmt: skip
    page = root.ok("GET", f"{PATH}?limit=1")
    assert page["results"] == [first]
    assert page["next"]


def test_spend_and_invoice_say_the_same(root: Caller, acme: Account) -> None:
    root.ok("POST", PATH, {"code": "TEN"}, 201)
    root.ok("POST", "/accounts/acme/subscriptions", {"plan": "team"}, 201)
    (invoice,) = root.ok("GET", "/accounts/acme/invoices")["results"]
    assert invoice["discounts"] == [{"coupon": "TEN", "amount": "10.00"}]
    assert (invoice["subtotal"], invoice["tax_total"], invoice["total"]) == ("49.00", "7.80", "46.80")
    spend = root.ok("GET", "/accounts/acme/spend")
    assert spend["subtotal"] == "49.00"
    assert spend["discounts"] == [{"coupon": "TEN", "amount": "10.00"}]
    assert spend["total"] == "46.80"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"code": "NOTHING"}, 400, "unknown_coupon"),
        ({"code": "DOLLARS"}, 400, "currency_mismatch"),
        ({"code": ""}, 400, "invalid"),
        ({"code": "x" * 101}, 400, "invalid"),
        ({"code": "a\0b"}, 400, "malformed"),
        ({"code": 7}, 400, "invalid"),
        ({}, 400, "invalid"),
        ({"coupon": "TEN"}, 400, "invalid"),
        ([], 400, "invalid"),
    ],
)
def test_refusals_name_the_field(root: Caller, body: object, status: int, code: str) -> None:
    problem = root.refused("POST", PATH, status, body)
    assert problem["code"] == code
    assert not Redemption.objects.exists()


def test_twice_is_a_conflict_and_a_repeated_request_is_not(root: Caller) -> None:
    key = {"idempotency-key": "k1"}
    first = root.ok("POST", PATH, {"code": "TEN"}, 201, **key)
    assert root.ok("POST", PATH, {"code": "TEN"}, 201, **key) == first
    problem = root.refused("POST", PATH, 409, {"code": "ten"})
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("already_redeemed", "/code")
    assert Redemption.objects.count() == 1


def test_another_account_redeems_for_itself_alone(caller: MakeCaller, other: Account, acme: Account) -> None:
    response = caller("manage", account=other)("POST", PATH, {"code": "TEN"})
    assert response.status_code == 404
    check_problem(response)
    assert not acme.redemptions.exists()
