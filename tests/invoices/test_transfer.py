"""The bank transfer on paper: its words, and what a banking app reads from its code."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils.translation import override

from billing.invoices.actions import bill_account
from billing.invoices.models import Invoice
from billing.invoices.paper.page import page_of
from billing.invoices.paper.transfer import LARGEST_VERSION, drawn, epc_text, transfer_code
from tests.invoices import world
from tests.invoices.world import utc

IBAN = "FR7630006000011234567890189"


@pytest.fixture(autouse=True)
def _seller(db: None, settings: Any) -> None:
    settings.SELLER = replace(settings.SELLER, name="Énergie Ström", iban=IBAN, bic="AGRIFRPP")
    world.load()


def first(plan: str = "team", **fields: str) -> Invoice:
    account = world.customer(**fields)
    world.on_plan(account, plan, utc(2026, 1, 1))
    return bill_account(account, utc(2026, 1, 2))[0]


def html_of(invoice: Invoice) -> str:
    with override(invoice.snapshot["locale"]):
        return render_to_string("invoices/invoice.html", page_of(invoice))


def test_what_it_says_is_the_councils_form() -> None:
    invoice = first()
    assert epc_text(invoice, invoice.amount_due).split("\n") == [
        *("BCD", "002", "1", "SCT", "AGRIFRPP", "Énergie Ström", IBAN),
        f"EUR{invoice.amount_due:.2f}",
        *("", "", invoice.number),
    ]


def test_a_name_of_any_length_fits(settings: Any) -> None:
    settings.SELLER = replace(settings.SELLER, name="é" * 90)
    invoice = first()
    assert epc_text(invoice, invoice.amount_due).split("\n")[5] == "é" * 70
    code = transfer_code(invoice, invoice.amount_due)
    assert code is not None
    assert code.size <= 17 + 4 * LARGEST_VERSION


@pytest.mark.parametrize("fields", [{"plan": "yen", "currency": "JPY"}])
def test_no_code_where_no_euros_are_due(fields: dict[str, str]) -> None:
    invoice = first(**fields)
    assert transfer_code(invoice, invoice.amount_due) is None


def test_no_code_without_an_account_of_the_seller(settings: Any) -> None:
    settings.SELLER = replace(settings.SELLER, iban="")
    invoice = first()
    assert transfer_code(invoice, invoice.amount_due) is None
    assert "<svg" not in html_of(invoice).partition('class="pay"')[2]


def test_the_drawing_is_the_code() -> None:
    """Its three corners, and each bar inside the square."""
    code = drawn("BCD")
    dark = {
        (int(x) + step, int(y))
        for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1H\1z", code.path)
        for step in range(int(width))
    }
    assert code.size == 21
    assert all(0 <= x < code.size and 0 <= y < code.size for x, y in dark)
    for left, top in ((0, 0), (code.size - 7, 0), (0, code.size - 7)):
        ring = {
            (x, y) for x in range(7) for y in range(7) if {x, y} & {0, 6} or max(abs(x - 3), abs(y - 3)) < 2
        }
        found = {(x, y) for x in range(7) for y in range(7) if (left + x, top + y) in dark}
        assert found == ring


def test_it_stands_beside_the_account_on_paper() -> None:
    invoice = first(locale="fr")
    code = transfer_code(invoice, invoice.amount_due)
    assert code is not None
    html = html_of(invoice)
    assert f'<path d="{code.path}"' in html
    assert "À scanner avec votre application bancaire" in html
