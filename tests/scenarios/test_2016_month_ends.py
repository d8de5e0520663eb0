"""Anchored on 31 January, over a leap February and a common one: tiers, packages, volumes and percentages."""

import itertools
from datetime import date, datetime, timedelta
from fractions import Fraction

import pytest

from tests.scenarios.customer import Customer
from tests.scenarios.golden import check_golden
from tests.scenarios.product import Product
from tests.scenarios.reckoning import amounts, check_sums, check_usage, quantity, span_of

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("scenarios")]

ABOUT = """Anchored on 31 January 2016: each period begins on the 31st or on its month's last day. The
events sent, priced by an independent reckoning in Fractions, give every usage line to the cent; the days
are written out by hand."""
DAYS = [
    (2016, 1, 31),
    (2016, 2, 29),
    (2016, 3, 31),
    (2016, 4, 30),
    (2016, 5, 31),
    (2016, 6, 30),
    (2016, 7, 31),
]
DAYS += [
    (2016, 8, 31),
    (2016, 9, 30),
    (2016, 10, 31),
    (2016, 11, 30),
    (2016, 12, 31),
    (2017, 1, 31),
    (2017, 2, 28),
]


def test_month_ends(product: Product) -> None:
    customer = Customer(product, "month-ends", "America/New_York")
    starts = [customer.local(date(*day)) for day in DAYS]
    product.leap(starts[0] + timedelta(hours=9))
    customer.open()
    made = customer.subscribe("month-end", starts[0] + timedelta(hours=9))
    assert datetime.fromisoformat(made["period"]["start"]) == starts[0] + timedelta(hours=9)
    begun = [starts[0] + timedelta(hours=9), *starts[1:]]
    for month, (start, end) in enumerate(itertools.pairwise(begun)):
        product.leap(end - timedelta(minutes=4))
        use(customer, month, start, end)
        invoice = customer.close(end)
        assert invoice["period"]["start"] == made["period"]["start"] if month == 0 else True
        check_usage(customer, invoice, lambda _at: "month-end")
        for meter in ("tokens", "calls", "seats", "sales"):
            (row,) = customer.usage(meter, start, end) or [{"quantity": "0"}]
            assert Fraction(row["quantity"]) == quantity(meter, customer.counting(), start, end, (start, end))
    invoices = customer.invoices()
    assert [span_of(line)[0] for one in invoices for line in one["lines"] if line["kind"] == "base"] == begun
    assert {amount for one in invoices for amount in amounts(one, "base")} == {31}
    for invoice in invoices:
        check_sums(invoice)
    customer.cancel("now")
    check_golden("month_ends", ABOUT, [customer])
    assert "every amount follows" in product.command("verify")


def use(customer: Customer, month: int, start: datetime, end: datetime) -> None:
    """More each month: over the tiers' bounds, the volume's, and both sides of the free sales. One event is the first
    instant of the period."""
    last = end - timedelta(minutes=5)
    between = [start + timedelta(days=day, hours=3) for day in range(1, 5 + month)]
    tokens = 150 + 70 * month
    customer.send("call", [(at, {"tokens": tokens, "model": "m"}) for at in (start, *between, last)])
    customer.send("seats", [(start + timedelta(days=3 * n), {"seats": (month + n) % 9}) for n in range(3)])
    customer.send("sale", [(at, {"amount": f"{20 * n + month}.{n}5"}) for n, at in enumerate(between)])
