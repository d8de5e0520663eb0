"""A year with both changes of the clock: Paris by calendar months; Chatham, with summer in January, by quarters."""

import itertools
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.scenarios.customer import Customer
from tests.scenarios.golden import check_golden
from tests.scenarios.product import Product
from tests.scenarios.reckoning import amounts, check_sums, check_usage, quantity

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("scenarios")]

ABOUT = """Both changes of the clock in Paris (26 March and 29 October 2017) and on the Chatham Islands (2
April and 24 September): an event each hour around them, and storage levels that change in the night. Every
usage line is what an independent reckoning in Fractions makes of the events sent; a day has 23, 24 or 25 of
them. March 2017 in Paris begins on the 15th: 17 of 31 days of the base price, and levels over the whole
March."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CHANGES = {"paris": [date(2017, 3, 26), date(2017, 10, 29)], "chatham": [date(2017, 4, 2), date(2017, 9, 24)]}
HOURS = [23, 25], [25, 23]


def test_daylight_saving(product: Product) -> None:
    chatham = Customer(product, "chatham", "Pacific/Chatham", "NZD")
    paris = Customer(product, "paris", "Europe/Paris")
    begun = {
        "chatham": [chatham.local(date(2017, 3, 1)), *(chatham.local(day) for day in quarters())],
        "paris": [paris.local(date(2017, 3, 15), 8), *(paris.local(day) for day in months())],
    }
    for customer, plan, anchor in ((chatham, "hourly-quarter", "start"), (paris, "hourly", "calendar")):
        product.leap(begun[customer.code][0])
        customer.open().subscribe(plan, begun[customer.code][0], anchor)
        customer.send(
            "stored", [(begun[customer.code][0] + timedelta(seconds=1), {"bucket": "a", "gigabytes": 40})]
        )
    uncut = (paris.local(date(2017, 3, 1)), begun["paris"][1])
    spans = [(end, start, one) for one in (chatham, paris) for start, end in pairs(begun[one.code])]
    for end, start, customer in sorted(spans, key=lambda span: span[0]):
        product.leap(end - timedelta(minutes=4))
        use(customer, start, end)
        invoice = customer.close(end)
        full = uncut if (customer, start) == (paris, begun["paris"][0]) else (start, end)
        check_usage(customer, invoice, lambda _at, one=customer: plan_of(one), full=full)
        check_sums(invoice)
        check_hours(customer, start, end)
    assert amounts(paris.invoices()[0]) == [Decimal("5.48")], "10.00 x 17/31"
    for customer in (chatham, paris):
        empty = [(begun[customer.code][-1], {"bucket": bucket, "gigabytes": 0}) for bucket in "ab"]
        customer.send(
            "stored", empty
        )  # a level held up to the cancellation would be a little else in each run
        customer.cancel("now")
    check_golden("daylight_saving", ABOUT, [chatham, paris])
    assert "every amount follows" in product.command("verify")


def use(customer: Customer, start: datetime, end: datetime) -> None:
    """Each hour for three days around a change of the clock; a level that changes in that night; a few calls else."""
    customer.send("licences", [(start + DAY, {"licences": 3}), (end - 2 * DAY, {"licences": end.month})])
    customer.send("call", [(start + n * DAY, {"person": f"p{n}"}) for n in (1, 2, 2)])
    for day in CHANGES[customer.code]:
        night = customer.local(day)
        if start <= night < end:
            hours = range(int((customer.local(day + 2 * DAY) - customer.local(day - DAY)) / HOUR))
            first = customer.local(day - DAY)
            customer.send("call", [(first + n * HOUR, {"person": f"h{n % 3}"}) for n in hours])
            levels = [
                (night + 1.5 * HOUR, "a", 64),
                (night + 2 * HOUR, "b", 8),
                (night + 3.5 * HOUR, "a", 40),
            ]
            customer.send(
                "stored", [(at, {"bucket": bucket, "gigabytes": size}) for at, bucket, size in levels]
            )


def check_hours(customer: Customer, start: datetime, end: datetime) -> None:
    """What the usage API counts is what was sent, and the days of a change have 23 and 25 hours."""
    (row,) = customer.usage("calls", start, end)
    assert int(row["quantity"]) == quantity("calls", customer.counting(), start, end, (start, end))
    expected = dict(zip(CHANGES[customer.code], HOURS[customer.code == "chatham"], strict=True))
    days = {row["start"]: int(row["quantity"]) for row in customer.usage("calls", start, end, "day")}
    for day, hours in expected.items():
        night = customer.local(day)
        if start <= night < end:
            assert days[f"{night:%Y-%m-%dT%H:%M:%SZ}"] == hours


def plan_of(customer: Customer) -> str:
    return "hourly" if customer.code == "paris" else "hourly-quarter"


def quarters() -> list[date]:
    return [date(2017, 6, 1), date(2017, 9, 1), date(2017, 12, 1), date(2018, 3, 1)]


def months() -> list[date]:
    return [date(2017 + month // 12, month % 12 + 1, 1) for month in range(3, 15)]


def pairs(instants: list[datetime]) -> Iterator[tuple[datetime, datetime]]:
    return itertools.pairwise(instants)
