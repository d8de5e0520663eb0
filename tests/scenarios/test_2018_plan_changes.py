"""A trial, two upgrades at once in one month, downgrades at the period's end, and from months to a year and back."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.scenarios.customer import Customer
from tests.scenarios.golden import check_golden
from tests.scenarios.product import Product
from tests.scenarios.reckoning import amounts, check_sums, check_usage, span_of

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("scenarios")]

ABOUT = """A trial of 14 days from 10 June 2018, then periods from the 24th. On 5 July to Team at once (19
of 30 days left: 20.00 and 60.00 x 19/30), on 15 July to Scale at once (9 of 30: 60.00 and 180.00 x 9/30),
back to Team with the period (scheduled, taken back, scheduled again). On 10 October to the year: 14 of 30
days of 60.00 back, 660.00 for the year, and a year later back to Starter. Usage of each stretch: the price
of the whole period so far, less that of its start, by an independent reckoning in Fractions."""
SECOND = timedelta(seconds=1)
ON = {"starter": "Starter", "team": "Team", "scale": "Scale", "team-yearly": "Team by the year"}


class Story:
    """Which plan the customer is on, as its own log says."""

    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        self.log: list[tuple[datetime, str]] = []

    def at(self, instant: datetime) -> str:
        return next(plan for since, plan in reversed(self.log) if since <= instant + SECOND)

    def close(self, start: datetime, end: datetime) -> list[object]:
        """Bill a period; its usage lines are checked, the others are given."""
        invoice = self.customer.close(end)
        check_usage(self.customer, invoice, self.at, start=start, full=(start, end))
        return [*amounts(invoice, "base", "proration", "minimum", "adjustment", "late_usage")]


def test_plan_changes(product: Product) -> None:
    customer = Customer(product, "plan-changes", "Europe/Lisbon")
    story = Story(customer)
    trial = customer.local(date(2018, 6, 10))
    starts = [customer.local(date(2018, month, 24)) for month in range(6, 10)]
    product.leap(trial)
    assert customer.open().subscribe("starter", trial)["status"] == "trialing"
    story.log.append((trial, "starter"))
    product.leap(starts[0] - timedelta(hours=2))
    use(customer, trial + timedelta(hours=1), 5)
    product.goto(starts[0])
    (first,) = customer.invoices()
    assert amounts(first) == [20], "the trial was free, usage too"

    for day, plan in ((5, "team"), (15, "scale")):
        product.leap(customer.local(date(2018, 7, day), 15))
        use(customer, customer.local(date(2018, 7, day)) - timedelta(days=4), 9)
        made = customer.change(plan, when="now")
        story.log.append((product.clock.now(), plan))
        assert made["next_invoice_at"] == f"{starts[1]:%Y-%m-%dT%H:%M:%SZ}"
    product.leap(customer.local(date(2018, 7, 20)))
    use(customer, customer.local(date(2018, 7, 17)), 12)
    customer.change("starter", when="period_end")
    product.leap(customer.local(date(2018, 7, 21)))
    customer.take_back()
    customer.change("team", when="period_end")
    story.log.append((starts[1], "team"))
    rest = story.close(starts[0], starts[1])
    assert [str(amount) for amount in rest] == ["60.00", "-12.67", "38.00", "-18.00", "54.00"]

    for start, end in itertools.pairwise(starts[1:]):
        product.leap(end - timedelta(hours=1))
        use(customer, start, 14)
        assert story.close(start, end) == [60]

    yearly = customer.local(date(2018, 10, 10))
    product.leap(yearly + timedelta(hours=11))
    use(customer, starts[3], 7)
    use(customer, yearly, 4)
    known = len(customer.invoices())
    customer.change("team-yearly", when="now")
    story.log.append((yearly, "team-yearly"))
    closing = customer.invoices()[known]
    check_usage(
        customer, closing, story.at, start=starts[3], full=(starts[3], customer.local(date(2018, 10, 24)))
    )
    assert amounts(closing, "proration", "base") == [660, -28]

    following = customer.local(date(2019, 10, 10))
    for month in range(1, 12):
        at = datetime(2018 + (10 + month) // 12, (10 + month) % 12 + 1, 3, tzinfo=UTC)
        product.leap(at)
        use(customer, at - timedelta(days=5), 10 + month)
    customer.change("starter", when="period_end")
    story.log.append((following, "starter"))
    assert story.close(yearly, following) == [20]
    product.leap(customer.local(date(2019, 11, 9)))
    use(customer, following, 6)
    assert story.close(following, customer.local(date(2019, 11, 10))) == [20]
    invoices = customer.invoices()
    for invoice in invoices:
        check_sums(invoice)
    bases = [span_of(line) for one in invoices for line in one["lines"] if line["kind"] == "base"]
    assert all(before[1] == after[0] for before, after in itertools.pairwise(bases) if after[0] != yearly)
    customer.cancel("now")
    check_golden("plan_changes", ABOUT, [customer])
    assert "every amount follows" in product.command("verify")


def use(customer: Customer, start: datetime, count: int) -> None:
    customer.send(
        "call",
        [
            (start + timedelta(hours=n), {"tokens": 100 * n + 37, "model": "m", "person": "p"})
            for n in range(count)
        ],
    )
