"""Two rates in one invoice, a rate that changes in July, and a customer in the EU who owes the tax itself."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.scenarios.customer import Customer
from tests.scenarios.golden import check_golden
from tests.scenarios.product import Product
from tests.scenarios.reckoning import amounts, check_sums, check_usage

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("scenarios")]

ABOUT = """Shop: 30.00 a month, 45.00 at least; tokens at 0.01, 2.00 at least; seats at 5.00, taxed at 5.5
%; sales at 10 % up to 100, 5 % and 1.00 beyond. In France 20 % and from 1 July 2020 21 %, on the document
of that day too; the customer in Germany with a valid VAT id owes the tax itself (AE). Usage lines by an
independent reckoning in Fractions; what is missing to the minimums, the taxable sums and the rates are
worked out in the test."""
JULY = date(2020, 7, 1)


def test_taxes(product: Product) -> None:
    french = Customer(product, "atelier", "Europe/Paris", country="FR")
    german = Customer(product, "werkstatt", "Europe/Berlin", country="DE", more={"tax_id": "DE136695976"})
    begun = {
        one.code: [one.local(date(2020 + month // 12, month % 12 + 1, day)) for month in range(13)]
        for one, day in ((french, 1), (german, 15))
    }
    for customer in (french, german):
        product.goto(begun[customer.code][0])
        customer.open().subscribe("shop", begun[customer.code][0])
    spans = [
        (end, start, month, one)
        for one in (french, german)
        for month, (start, end) in enumerate(zip(begun[one.code], begun[one.code][1:], strict=False))
    ]
    for end, start, month, customer in sorted(spans, key=lambda span: span[0]):
        product.goto(end - timedelta(hours=1))
        use(customer, month, start)
        invoice = customer.close(end)
        check_usage(customer, invoice, lambda _at: "shop")
        check_sums(invoice)
        check_minimums(invoice)
        check_taxes(customer, invoice, end)
    for customer in (french, german):
        customer.cancel("now")
    check_golden("taxes", ABOUT, [french, german])
    assert "every amount follows" in product.command("verify")


def use(customer: Customer, month: int, start: datetime) -> None:
    customer.send(
        "call", [(start + timedelta(days=2), {"tokens": 100 + 53 * month, "model": "m", "person": "p"})]
    )
    customer.send("seats", [(start + timedelta(days=3), {"seats": month % 4})])
    customer.send("sale", [(start + timedelta(days=n), {"amount": f"{30 + 9 * month}.{n}5"}) for n in (1, 5)])


def check_minimums(invoice: dict[str, Any]) -> None:
    used = amounts(invoice, "usage")
    tokens = sum(
        Decimal(line["amount"])
        for line in invoice["lines"]
        if line["charge"] == "tokens" and line["kind"] == "usage"
    )
    missing = max(Decimal(0), 2 - tokens)
    top_up = max(Decimal(0), 45 - 30 - sum(used) - missing)
    assert amounts(invoice, "minimum") == [one for one in (missing, top_up) if one]


def check_taxes(customer: Customer, invoice: dict[str, Any], end: datetime) -> None:
    seats = sum(Fraction(line["amount"]) for line in invoice["lines"] if line["charge"] == "seats")
    rest = Fraction(invoice["subtotal"]) - seats
    if customer.country == "DE":
        expected = {("AE", Fraction(0)): seats + rest}
    else:
        standard = 20 if end.astimezone(customer.zone).date() < JULY else 21
        expected = {("S", Fraction(standard)): rest} | ({("S", Fraction("5.5")): seats} if seats else {})
    assert {
        (tax["category"], Fraction(tax["rate"])): Fraction(tax["taxable"]) for tax in invoice["taxes"]
    } == expected
