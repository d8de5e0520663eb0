"""Coupons where customers see them: the plan page, where a code is entered, and the sums of documents."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account
from billing.invoices.actions import bill_account
from billing.plans.actions import load_catalog, redeem
from billing.plans.models import Redemption
from billing.plans.queries import period_at
from portal.pages.coupons import coupon_rows
from tests.factories import make_member
from tests.portal.world import World, build, sign_in

pytestmark = pytest.mark.django_db
NOT_COUNTED = "Coupons are not counted here."
COUPONS = [
    {"code": "WELCOME", "percent": "20", "periods": 3},
    {"code": "TEN", "amount": "10", "currency": "EUR"},
    {"code": "THIRD", "percent": "33.3333", "periods": 1},
    {"code": "DOLLARS", "amount": "10", "currency": "USD"},
]


@pytest.fixture
def world(db: None) -> World:
    made = build()
    load_catalog({"catalog": 1, "coupons": COUPONS})
    return made


def enter(client: Client, code: str, follow: bool = False) -> Any:
    return client.post(reverse("portal:plan_coupon"), {"code": code}, follow=follow)


def test_a_code_is_redeemed_and_shown_with_what_is_left(world: World) -> None:
    owner, page = sign_in(world.owner), reverse("portal:plan")
    before = owner.get(page).text
    assert "I have a code" in before
    assert NOT_COUNTED not in before
    answer = enter(owner, " welcome ", follow=True)
    assert answer.redirect_chain == [(page, 302)]
    for text in ("Coupon WELCOME is redeemed.", ">20\u202f%<", ">3 of 3 periods left<", NOT_COUNTED):
        assert text in answer.text, text
    assert NOT_COUNTED in owner.get(reverse("portal:overview")).text
    assert "−€" in owner.get(reverse("portal:upcoming")).text


def test_what_is_left_and_what_each_takes_off(world: World) -> None:
    now = timezone.now()
    redeem(world.account, "THIRD", at=now - timedelta(days=39))
    redeem(world.account, "WELCOME", at=now - timedelta(days=38))
    redeem(world.account, "TEN", at=now)
    found = [(row.code, row.takes, row.left, row.used_up) for row in coupon_rows(world.account, now)]
    assert found == [
        ("THIRD", "33.3333\u202f%", "used up", True),
        ("WELCOME", "20\u202f%", "2 of 3 periods left", False),
        ("TEN", "€10.00 a period", "for ever", False),
    ]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("NONE", "No such coupon is given: check the code."),
        ("", "No such coupon is given: check the code."),
        ("W\0", "No such coupon is given: check the code."),
        ("x" * 5_000, "No such coupon is given: check the code."),
        ("DOLLARS", "The coupon takes off USD, the account is billed in EUR."),
        ("TEN", "This coupon has been redeemed already: it counts once."),
    ],
)
def test_a_refused_code_is_told_at_its_field(world: World, code: str, sentence: str) -> None:
    redeem(world.account, "TEN")
    answer = enter(sign_in(world.owner), code)
    assert answer.status_code == 422
    assert answer.text.count(sentence) == 2, "in the summary and at the field"
    assert "<details open>" in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "<title>Error:" in " ".join(answer.text.split())
    assert Redemption.objects.count() == 1


@pytest.mark.parametrize(
    ("role", "status"), [("owner", 302), ("billing", 302), ("developer", 403), ("viewer", 403)]
)
def test_owner_and_billing_redeem(world: World, role: str, status: int) -> None:
    client = sign_in(make_member(world.account, role, f"{role}2@brume.example"))
    assert ("I have a code" in client.get(reverse("portal:plan")).text) == (status == 302)
    assert enter(client, "WELCOME").status_code == status
    assert Redemption.objects.filter(account=world.account).exists() == (status == 302)
    assert client.get(reverse("portal:plan_coupon")).status_code == 405


def test_a_viewer_sees_the_coupons(world: World) -> None:
    redeem(world.account, "TEN")
    assert "€10.00 a period" in sign_in(world.viewer).get(reverse("portal:plan")).text


def test_an_issued_document_names_its_coupon(world: World) -> None:
    redeem(world.account, "TEN")
    number = issued(world.account)
    owner = sign_in(world.owner)
    text = owner.get(reverse("portal:invoice", args=[number])).text
    assert "Coupon TEN" in text
    assert "−€20.00" in text, "10 for the period that ended and 10 for the one that begins"


def issued(account: Account) -> str:
    """The number of the document that closes the running period."""
    period = period_at(account, timezone.now())
    assert period is not None
    return bill_account(account, period.end)[-1].number
