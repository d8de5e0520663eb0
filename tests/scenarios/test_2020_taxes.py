"""Two rates in one invoice, one that changes in July, two coupons, and a customer in the EU who owes the tax itself."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.pricing.oracle import half_up
from tests.scenarios.customer import Customer
from tests.scenarios.golden import check_golden
from tests.scenarios.product import Product
from tests.scenarios.reckoning import amounts, check_sums, check_usage, span_of

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("scenarios")]

ABOUT = """Shop: 30.00 a month, 45.00 at least; tokens at 0.01, 2.00 at least; seats at 5.00, taxed at 5.5
%; sales at 10 % up to 100, 5 % and 1.00 beyond. In France 20 % and from 1 July 2020 21 %: the document of
that day has June's usage at 20 % and July's base price at 21 %; the customer in Germany with a valid VAT id
owes the tax itself (AE). Coupons: on 20 February WELCOME, 20 % for three periods: lines of February to
April; on 20 September FIVER, 5.00 in each period from then on. Usage lines by an independent reckoning in
Fractions; what is missing to the minimums, the discounts, the taxable sums and the rates are worked out in
the test."""
BOOKS = ("S", Fraction("5.5"))
REDEEMED = (date(2020, 2, 20), date(2020, 9, 20))
JULY, SEPTEMBER = date(2020, 7, 1), date(2020, 9, 1)


def test_taxes(product: Product) -> None:
    french = Customer(product, "atelier", "Europe/Paris", country="FR")
    german = Customer(product, "werkstatt", "Europe/Berlin", country="DE", more={"tax_id": "DE136695976"})
    begun = {
        one.code: [one.local(date(2020 + month // 12, month % 12 + 1, day)) for month in range(months)]
        for one, day, months in ((french, 1, 13), (german, 15, 12))
    }
    for customer in (french, german):
        product.leap(begun[customer.code][0])
        customer.open().subscribe("shop", begun[customer.code][0])
    spans = [
        (end, start, month, one)
        for one in (french, german)
        for month, (start, end) in enumerate(zip(begun[one.code], begun[one.code][1:], strict=False))
    ]
    for end, start, month, customer in sorted(spans, key=lambda span: span[0]):
        redeem(french, start + timedelta(days=19))
        product.leap(end - timedelta(hours=1))
        use(customer, month, start)
        invoice = customer.close(end)
        check_usage(customer, invoice, lambda _at: "shop")
        check_sums(invoice)
        check_minimums(invoice)
        off = check_coupons(customer, invoice)
        check_taxes(customer, invoice, off)
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


def redeem(french: Customer, at: datetime) -> None:
    """WELCOME and FIVER, each on the 20th of its month."""
    code = dict(zip(REDEEMED, ("WELCOME", "FIVER"), strict=True)).get(at.astimezone(french.zone).date())
    if code:
        french.product.leap(at)
        french.product.call("POST", f"/accounts/{french.code}/coupons", {"code": code}, 201)


def check_coupons(customer: Customer, invoice: dict[str, Any]) -> list[Fraction]:
    """WELCOME covers lines of February to April; FIVER takes 5.00 off each period from September, wherever its lines
    are. Gives what they take off the seats, and off the rest: in proportion, the largest remainder first.
    """
    shares = [Fraction(0), Fraction(0)]
    given = {one["coupon"]: Fraction(one["amount"]) for one in invoice["discounts"]}
    expected = dict[str, Fraction]()
    issued = datetime.fromisoformat(invoice["issued_at"])
    for month, lines in by_month(customer, invoice).items():
        seats = sum((Fraction(line["amount"]) for line in lines if line["charge"] == "seats"), Fraction(0))
        whole = sum((Fraction(line["amount"]) for line in lines), Fraction(0))
        code, off = discount(
            customer, issued, month, whole, first=lines[0]["kind"] == "base" or month == SEPTEMBER
        )
        if off:
            expected[code] = expected.get(code, Fraction(0)) + off
            part = half_up(off * seats / whole, 2)
            shares = [shares[0] + part, shares[1] + off - part]
    assert given == expected
    return shares


def by_month(customer: Customer, invoice: dict[str, Any]) -> dict[date, list[dict[str, Any]]]:
    found = dict[date, list[dict[str, Any]]]()
    for line in invoice["lines"]:
        found.setdefault(span_of(line)[0].astimezone(customer.zone).date(), []).append(line)
    return found


def discount(
    customer: Customer, issued: datetime, month: date, amount: Fraction, *, first: bool
) -> tuple[str, Fraction]:
    """What a coupon takes off `amount`, lines of the period that began on `month`; `first`: nothing was invoiced of it
    since the coupon was redeemed, so that the 5.00 of the period are still there.
    """
    welcome, fiver = (customer.local(day) for day in REDEEMED)
    if customer.country == "FR" and date(2020, 2, 1) <= month < date(2020, 5, 1) and issued > welcome:
        return "WELCOME", half_up(amount / 5, 2)
    if customer.country == "FR" and month >= SEPTEMBER and issued > fiver and first:
        return "FIVER", min(amount, Fraction(5))
    return "", Fraction(0)


def check_taxes(customer: Customer, invoice: dict[str, Any], off: list[Fraction]) -> None:
    """Each line by the day on which it begins, seats by their own rate; what the coupons take off comes off."""
    expected = dict[tuple[str, Fraction], Fraction]()
    for month, lines in by_month(customer, invoice).items():
        for line in lines:
            tax = tax_of(customer, line, month)
            expected[tax] = expected.get(tax, Fraction(0)) + Fraction(line["amount"])
    if any(off):
        expected[BOOKS] = expected.get(BOOKS, Fraction(0)) - off[0]
        (standard,) = expected.keys() - {BOOKS}  # no coupon covers lines before and after the change
        expected[standard] -= off[1]
    found = {(tax["category"], Fraction(tax["rate"])): Fraction(tax["taxable"]) for tax in invoice["taxes"]}
    assert found == {tax: taxable for tax, taxable in expected.items() if taxable or tax in found}


def tax_of(customer: Customer, line: dict[str, Any], month: date) -> tuple[str, Fraction]:
    if customer.country == "DE":
        return "AE", Fraction(0)
    return BOOKS if line["charge"] == "seats" else ("S", Fraction(20 if month < JULY else 21))
