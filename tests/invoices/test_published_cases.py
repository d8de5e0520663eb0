"""The published pricing cases hold on issued invoices: catalogue, account, plan, events through the intake, billing."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.invoices.queries import invoice_data
from billing.plans.actions import load_catalog
from billing.pricing.price import price
from tests.invoices import world
from tests.invoices.world import utc
from tests.pricing import samples
from tests.pricing.cases import published

START, END = utc(2026, 2, 1), utc(2026, 3, 1)


def events_of(case, account):
    """The case's events in time order; a quantity is sent as some events that add up to it."""
    chance = random.Random(case["id"])
    values = [Decimal(value) for value in case.get("events", [])]
    if not values:
        parts = [chance.randint(-3, 9) for _ in range(chance.randrange(4))]
        values = [*map(Decimal, parts), Decimal(case["quantity"]) - sum(parts)]
    times = sorted(chance.sample(range(28 * 24 * 60), len(values)))
    return [
        world.event(account, START + timedelta(minutes=minute), "transfer", size=str(value), model=case["id"])
        for minute, value in zip(times, values, strict=True)
    ]


@pytest.mark.usefixtures("db", "shared")
def test_every_published_case_is_invoiced_as_published() -> None:
    """One plan with a charge for each case, told apart by a filter; so one invoice has them all."""
    cases = published()
    meter = world.meter("m", "Traffic", "Trafic", event_type="transfer", value="size", unit="MB")
    charges = [
        {**case["charge"], "meter": "m", "code": case["id"], "where": {"model": [case["id"]]}}
        for case in cases
    ]
    plan = world.plan("cases", *charges, base_price="0")
    load_catalog({"catalog": 1, "meters": [meter], "plans": [plan]})
    account = world.customer()
    world.on_plan(account, "cases", START)
    sent = [event for case in cases for event in events_of(case, account)]
    random.Random(1).shuffle(sent)
    world.send(sent)

    (invoice,) = world.bill(account, END)
    data = invoice_data(invoice)
    found = {line["charge"]: line for line in data["lines"]}
    assert len(found) == len(data["lines"])
    used = [case for case in cases if case.get("quantity") != "0"]
    assert set(found) == {case["id"] for case in used}
    for case in used:
        line = found[case["id"]]
        exact, amount = case["exact_amount"], f"{Decimal(case['amount']):.2f}"
        assert (line["kind"], line["amount"], line["exact_amount"]) == ("usage", amount, exact), case["id"]
        assert line["tiers"] == tiers_of(case), case["id"]
        assert sum(Decimal(row["amount"]) for row in line["tiers"]) == Decimal(exact)
    assert Decimal(data["subtotal"]) == sum(Decimal(case["amount"]) for case in cases)


def tiers_of(case):
    """The working that the price function shows for the case."""
    usage = samples.events(*case["events"]) if "events" in case else samples.used(case["quantity"])
    return [row.as_data() for row in price(samples.charge(case["charge"]), usage).tiers]
