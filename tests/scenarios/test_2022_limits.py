"""A limit that stops: raised, lowered, on one meter, lifted; what is waived, month by month."""

import itertools
from datetime import date, datetime, timedelta

import pytest

from tests.scenarios.customer import Customer
from tests.scenarios.golden import check_golden
from tests.scenarios.product import Product
from tests.scenarios.reckoning import amounts, check_sums, check_usage

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("scenarios")]

ABOUT = """Metered: tokens at 0.10 up to 100 a month, 0.05 beyond; seats at 3.00, 12.00 at most; 10.00 a
month. June 2022, stop at 8.00: 60 tokens (6.00), 60 more (usage 11.00, payable 8.00); raised to 15.00: 100
more (+5.00, payable 13.00), 100 more (+5.00, payable 15.00); lowered to 10.00: 40 more (+2.00, all waived):
usage 23.00, waived 8.00. July: 50 tokens, well within. August: seats stop at 6.00 of 12.00, then the
account at 10.00 of 11.00. From September no limit stops anything."""


def test_limits(product: Product) -> None:
    customer = Customer(product, "limits", "America/Denver")
    starts = [customer.local(date(2022 + month // 12, month % 12 + 1, 1)) for month in range(5, 18)]
    product.leap(starts[0])
    customer.open().subscribe("metered", starts[0])
    limit(customer, "8.00")
    assert allowance(customer) == (True, "0.00", "8.00")
    use(customer, 5, 60)
    assert allowance(customer) == (True, "6.00", "2.00")
    use(customer, 10, 60)
    assert allowance(customer) == (False, "11.00", "0.00")
    limit(customer, "15.00")
    assert allowance(customer) == (True, "11.00", "4.00")
    use(customer, 15, 100)
    use(customer, 18, 100)
    assert allowance(customer) == (False, "21.00", "0.00")
    limit(customer, "10.00")
    use(customer, 20, 40)
    assert close(customer, starts[1]) == {"usage": 23, "limit_waiver": -8, "base": 10}

    product.leap(starts[1] + timedelta(days=9))
    customer.send("call", [(starts[1] + timedelta(days=2), tokens(50))])
    assert allowance(customer) == (True, "5.00", "5.00")
    assert close(customer, starts[2]) == {"usage": 5, "base": 10}

    product.leap(starts[2] + timedelta(days=1))
    limit(customer, "6.00", meter="seats")
    customer.send("seats", [(product.clock.now(), {"seats": 4})])
    product.leap(starts[2] + timedelta(days=2))
    customer.send("call", [(product.clock.now(), tokens(50))])
    assert close(customer, starts[3]) == {"usage": 17, "limit_waiver": -7, "base": 10}

    product.leap(starts[3] + timedelta(days=1))
    limit(customer, None)
    limit(customer, None, meter="seats")
    for start, end in itertools.pairwise(starts[3:]):
        product.leap(start + timedelta(days=20))
        customer.send("call", [(start + timedelta(days=4), tokens(200))])
        customer.send("seats", [(start + timedelta(days=5), {"seats": 3 + end.month})])
        assert close(customer, end) == {"usage": 27, "base": 10}
    for invoice in customer.invoices():
        check_sums(invoice)
    customer.cancel("now")
    check_golden("limits", ABOUT, [customer])
    assert "every amount follows" in product.command("verify")


def close(customer: Customer, end: datetime) -> dict[str, int]:
    """Bill a period; what its kinds of lines come to. Usage lines are checked."""
    invoice = customer.close(end)
    check_usage(customer, invoice, lambda _at: "metered")
    return {line["kind"]: sum(amounts(invoice, line["kind"])) for line in invoice["lines"]}


def use(customer: Customer, day: int, many: int) -> None:
    customer.product.leap(customer.local(date(2022, 6, day), 12))
    customer.send("call", [(customer.product.clock.now(), tokens(many))])


def limit(customer: Customer, amount: str | None, **meter: str) -> None:
    body = {"amount": amount, "action": "stop", "thresholds": [50, 100]}
    customer.product.call("PUT", f"/accounts/{customer.code}/limit", body, **meter)


def allowance(customer: Customer) -> tuple[bool, str, str]:
    found = customer.product.call("GET", f"/accounts/{customer.code}/allowance")
    return found["allowed"], found["spent"], found["remaining"]


def tokens(many: int) -> dict[str, object]:
    return {"tokens": many, "model": "m", "person": "p"}
