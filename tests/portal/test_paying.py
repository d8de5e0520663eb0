"""How an open invoice can be paid, on its page."""

from dataclasses import replace
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from billing.invoices.actions import record_payment
from billing.invoices.paper.transfer import epc_text, transfer_code
from billing.payments.models import Hold
from tests.portal.world import World, build, sign_in

IBAN = "FR7630006000011234567890189"


@pytest.fixture
def world(db: None, settings: Any) -> World:
    settings.SELLER = replace(settings.SELLER, iban=IBAN)
    return build()


def page_of(world: World) -> str:
    return sign_in(world.owner).get(reverse("portal:invoice", args=[world.invoice.number])).text


def test_what_is_open_can_be_scanned(world: World) -> None:
    invoice = world.invoice
    half = invoice.amount_due / 2
    record_payment(invoice, round(half, 2), timezone.now())
    left = invoice.amount_due - round(half, 2)
    page = page_of(world)
    assert "Payment by bank transfer" in page
    assert "FR76 3000 6000 0112 3456 7890 189" in page
    code = transfer_code(invoice, left)
    assert code is not None
    assert f'<path d="{code.path}"/>' in page, "the code asks for what is left"
    assert f"EUR{left:.2f}" in epc_text(invoice, left)


def test_nothing_of_it_once_paid(world: World) -> None:
    record_payment(world.invoice, world.invoice.amount_due, timezone.now())
    assert "Payment by bank transfer" not in page_of(world)


def test_an_open_question_is_named(world: World) -> None:
    words = "Your question about this invoice is open"
    assert words not in page_of(world)
    hold = Hold.objects.create(account=world.account, invoice=world.invoice, question="Line 2?")
    page = page_of(world)
    assert words in page
    assert hold.question not in page
    Hold.objects.update(answered_at=timezone.now())
    assert words not in page_of(world)
