"""Ending with the period, coming back, ending at once with a credit note, and using its credit."""

import itertools
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.scenarios.customer import Customer
from tests.scenarios.golden import check_golden
from tests.scenarios.product import Product
from tests.scenarios.reckoning import amounts, check_sums, check_usage

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("scenarios")]

ABOUT = """Metered from 10 January 2024; cancelled with the period on 10 April (the last invoice has usage
only). Back on Team from 1 May; cancelled at once on 15 October: 16 of 31 days of 60.00 back (-30.97), 37
tokens and one package of calls (0.80) owed: a credit note of 30.17. Back again on 1 November: its first
base price uses that credit. An independent reckoning in Fractions gives every usage line."""


def test_endings(product: Product) -> None:
    customer = Customer(product, "endings", "Europe/Rome")
    starts = [customer.local(date(2024, month, 10)) for month in range(1, 5)]
    product.leap(starts[0])
    customer.open().subscribe("metered", starts[0])
    run(customer, starts[:3], "metered", base=10)
    product.leap(customer.local(date(2024, 3, 20)))
    assert customer.cancel("period_end")["status"] == "active"
    customer.take_back()
    assert customer.cancel("period_end")["scheduled_change"]["plan"] is None
    product.leap(starts[3] - timedelta(hours=1))
    customer.send("call", [(starts[2] + timedelta(days=2), tokens(70))])
    assert amounts(customer.close(starts[3])) == [7], "no base price follows"
    assert state(customer) == "canceled"

    months = [customer.local(date(2024, month, 1)) for month in range(5, 11)]
    product.leap(months[0])
    customer.subscribe("team", months[0])
    run(customer, months, "team", base=60)
    product.leap(customer.local(date(2024, 10, 15), 12))
    customer.send("call", [(months[-1] + timedelta(days=2), tokens(37))])
    assert customer.cancel("now")["status"] == "canceled"
    final = customer.invoices()[-1]
    assert final["kind"] == "credit_note"
    assert amounts(final) == [0, Decimal("-0.80"), Decimal("30.97")], (
        "on a credit note amounts are what is given back"
    )

    again = [customer.local(date(2024 + month // 12, month % 12 + 1, 1)) for month in range(10, 14)]
    product.leap(again[0])
    customer.subscribe("team", again[0])
    first = customer.invoices()[-1]
    assert (first["credits_applied"], first["amount_due"]) == ("30.17", "29.83")
    run(customer, again, "team", base=60)
    for invoice in customer.invoices():
        check_sums(invoice)
    customer.cancel("now")
    check_golden("endings", ABOUT, [customer])
    assert "every amount follows" in product.command("verify")


def run(customer: Customer, starts: list[datetime], plan: str, base: int) -> None:
    """Months of use, each checked."""
    for start, end in itertools.pairwise(starts):
        customer.product.leap(end - timedelta(hours=1))
        customer.send("call", [(start + timedelta(days=n), tokens(400 * n + 9)) for n in range(3)])
        invoice = customer.close(end)
        check_usage(customer, invoice, lambda _at: plan)
        assert amounts(invoice, "base", "proration", "minimum", "late_usage", "adjustment") == [base]


def state(customer: Customer) -> str:
    return str(customer.product.call("GET", f"/subscriptions/{customer.subscription}")["status"])


def tokens(many: int) -> dict[str, object]:
    return {"tokens": many, "model": "m", "person": "p"}
