"""Usage that comes after its invoice: within 35 days, beyond; corrected, voided; quarantined, and counted later."""

import itertools
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from tests.scenarios.customer import Customer, Sent
from tests.scenarios.golden import check_golden
from tests.scenarios.product import Product
from tests.scenarios.reckoning import amounts, check_sums, check_usage

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("scenarios")]

ABOUT = """Metered: tokens at 0.10 up to 100 a month, 0.05 beyond; seats (the most at once) at 3.00, 12.00
at most; 10.00 a month. January 2021 has 80 + 40 tokens and 2 seats: 11.00 and 6.00. On 10 February come 20
tokens more and a correction of the 40 to 60 (together +40 tokens, 2.00), and 5 seats (from 6.00 to the
most, 12.00). On 5 March a voided January event is 54 days old: quarantined, no invoice has it; 10 tokens of
February come and are voided: nothing. March has 180 tokens (14.00); in April 90 of them are voided: 9.00,
so -5.00. The newcomer's 200 tokens (15.00) came before its account; voided after their invoice they
outweigh a month (10.00): a credit note of 5.00, which the next invoice uses."""


def test_late_usage(product: Product) -> None:
    customer = Customer(product, "late-usage", "America/Halifax")
    starts = [customer.local(date(2021 + month // 12, month % 12 + 1, 1)) for month in range(13)]
    product.leap(starts[0])
    customer.open().subscribe("metered", starts[0])
    product.leap(starts[1] - timedelta(hours=2))
    _, second = customer.send(
        "call", [(starts[0] + timedelta(days=n), tokens(many)) for n, many in ((2, 80), (9, 40))]
    )
    customer.send("seats", [(starts[0] + timedelta(days=5), {"seats": 2})])
    january = customer.close(starts[1])
    check_usage(customer, january, plan_at)
    assert amounts(january, "usage") == [11, 6], "100 x 0.10 + 20 x 0.05, and 2 x 3.00"

    product.leap(customer.local(date(2021, 2, 10)))  # 12 days late and more
    customer.send("call", [(starts[0] + timedelta(days=20), tokens(20))])
    assert customer.deliver([correction(customer, second, tokens(60))])["quarantined"] == 0
    customer.send("seats", [(starts[1] - timedelta(days=2), {"seats": 5})])
    product.leap(starts[2] - timedelta(hours=2))
    customer.send("call", [(starts[1] + timedelta(days=3), tokens(30))])
    february = customer.close(starts[2])
    check_usage(customer, february, plan_at)
    assert sorted(amounts(february, "late_usage")) == [2, 6]

    product.leap(
        customer.local(date(2021, 3, 5))
    )  # the voided event is of 10 January: too late; one of 20 January too
    too_late = correction(customer, second, tokens(40), voided=True)
    assert customer.deliver([too_late])["quarantined"] == 1
    fresh = customer.send("call", [(starts[1] + timedelta(days=9), tokens(10))])
    customer.deliver([correction(customer, fresh[0], tokens(0), voided=True)])
    product.leap(starts[3] - timedelta(hours=2))
    third = customer.send("call", [(starts[2] + timedelta(days=n), tokens(90)) for n in (1, 20)])
    march = customer.close(starts[3])
    check_usage(customer, march, plan_at)
    assert amounts(march, "late_usage") == [], "10 tokens came late and were voided"

    product.leap(customer.local(date(2021, 4, 15)))
    customer.deliver([correction(customer, third[1], tokens(90), voided=True)])
    product.leap(starts[4] - timedelta(hours=2))
    april = customer.close(starts[4])
    assert amounts(april) == [10, -5], "180 tokens of March were 10.00 + 4.00, 90 are 9.00"

    beyond = product.clock.now() - timedelta(days=41)
    answer = customer.deliver([Sent("beyond", "call", beyond, tokens(1000))])
    assert answer["quarantined"] == 1
    quiet(customer, starts)
    customer.cancel("now")
    other = newcomer(product)
    other.cancel("now")
    for invoice in customer.invoices() + other.invoices():
        check_sums(invoice)
    check_golden("late_usage", ABOUT, [customer, other])
    assert "every amount follows" in product.command("verify")


def quiet(customer: Customer, starts: list[datetime]) -> None:
    """The rest of the year."""
    for start, end in itertools.pairwise(starts[4:]):
        customer.product.leap(end - timedelta(hours=2))
        customer.send("call", [(start + timedelta(days=4), tokens(50))])
        invoice = customer.close(end)
        check_usage(customer, invoice, plan_at)
        assert amounts(invoice) == [5, 10]


def newcomer(product: Product) -> Customer:
    """Its event waits for its account and its period; voided after its invoice, it is given back by a credit note."""
    customer = Customer(product, "newcomer", "America/Halifax")
    starts = [customer.local(date(2022, month, 3)) for month in range(1, 5)]
    product.leap(starts[0] + timedelta(hours=2))
    early = Sent("early", "call", starts[0] + timedelta(hours=1), tokens(200))
    assert customer.deliver([early])["quarantined"] == 1
    customer.open().subscribe("metered", starts[0])
    customer.count([early])
    product.leap(starts[0] + timedelta(hours=3))
    (row,) = customer.usage("tokens", starts[0], product.clock.now())
    assert row["quantity"] == "200"
    january = customer.close(starts[1])
    check_usage(customer, january, plan_at)
    assert amounts(january) == [15, 10]
    product.leap(starts[1] + timedelta(days=1))
    customer.deliver([correction(customer, "early", tokens(0), voided=True)])
    february = customer.close(starts[2])
    assert (february["kind"], february["total"]) == ("credit_note", "5.00"), "10.00 for a month, 15.00 back"
    march = customer.close(starts[3])
    assert (march["total"], march["credits_applied"], march["amount_due"]) == ("10.00", "5.00", "5.00")
    return customer


def correction(customer: Customer, event: str, data: dict[str, object], *, voided: bool = False) -> Sent:
    before = customer.sent[event]
    return replace(before, data=data, revision=before.revision + 1, voided=voided)


def plan_at(_instant: datetime) -> str:
    return "metered"


def tokens(many: int) -> dict[str, object]:
    return {"tokens": many, "model": "m", "person": "p"}
