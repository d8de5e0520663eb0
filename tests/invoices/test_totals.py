"""Invoices whose every amount was worked out by hand."""

from decimal import Decimal
from fractions import Fraction

import pytest

from billing.invoices.actions import bill_account
from billing.invoices.pdf import ensure_document
from billing.invoices.queries import invoice_data
from tests.invoices import world
from tests.invoices.world import amounts, utc


@pytest.fixture(autouse=True)
def _catalog(db: None) -> None:
    world.load()


def test_base_usage_and_tax() -> None:
    """3,000,000 tokens: 2,000,000 × 0.00002 + 5 = 45.00; 100,000 × 0.0000025 = 0.25; 1,500 calls = 2 packages, 0.80."""
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 3), output_tokens=1_000_000, input_tokens=60_000)
    world.use(account, utc(2026, 2, 20), output_tokens="2000000", input_tokens=40_000)
    world.send(world.event(account, utc(2026, 2, 9), "api") for _ in range(1500))
    first, second = bill_account(account, utc(2026, 3, 1))

    assert amounts(first) == [("base", "49.00")]
    assert (first.subtotal, first.tax_total, first.total) == (Decimal(49), Decimal("9.8"), Decimal("58.8"))
    assert amounts(second) == [("usage", "45.00"), ("usage", "0.25"), ("usage", "0.80"), ("base", "49.00")]
    assert second.subtotal == Decimal("95.05")
    assert second.tax_total == Decimal("19.01")
    assert second.amount_due == Decimal("114.06")
    assert [first.number, second.number] == ["F-000001", "F-000002"]
    assert second.period_start == utc(2026, 2, 1)
    assert second.period_end == utc(2026, 4, 1)


def test_json_is_the_contracts() -> None:
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 3), output_tokens=4_088_665)
    data = invoice_data(bill_account(account, utc(2026, 3, 1))[-1])
    line = data["lines"][0]
    assert line.pop("id")
    assert line == {
        "kind": "usage",
        "charge": "output_tokens",
        "meter": "output_tokens",
        "description": "Output tokens",
        "period": {"start": "2026-02-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"},
        "quantity": "4088665",
        "unit": "token",
        "amount": "66.77",
        "exact_amount": "66.7733",
        "tiers": line["tiers"],
    }
    assert [tier["amount"] for tier in line["tiers"]] == ["0", "66.7733"]
    assert data["status"] == "issued"
    assert data["taxes"] == [
        {
            "code": "fr-20",
            "name": "TVA 20 %",
            "category": "S",
            "rate": "20",
            "taxable": "115.77",
            "amount": "23.15",
        }
    ]
    assert (data["subtotal"], data["total"], data["amount_due"]) == ("115.77", "138.92", "138.92")
    assert data["account"] == "acme"


def test_the_longest_quantities_and_prices_there_are() -> None:
    """Twice 26 nines at a price of 26 nines: 53 digits before the point, exact to the last one; and its paper."""
    world.load(world.plan("dear", {**world.IN, "unit_price": "9" * 26}, base_price="0"))
    account = world.customer(country="US")
    world.on_plan(account, "dear", utc(2026, 2, 1))
    for day in (3, 4):
        world.use(account, utc(2026, 2, day), input_tokens="9" * 26 + "." + "9" * 12)
    (invoice,) = bill_account(account, utc(2026, 3, 1))
    exact = Fraction(2) * (10**38 - 1) / 10**12 * (10**26 - 1)
    line = invoice.lines.get()
    assert Fraction(line.exact_amount) == exact
    assert Fraction(line.quantity or 0) == Fraction(2) * (10**38 - 1) / 10**12
    assert Fraction(invoice.total) == Fraction(int(exact * 100 + Fraction(1, 2)), 100)
    assert ensure_document(invoice).pdf[:5] == b"%PDF-"
