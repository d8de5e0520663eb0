"""Random customers with coupons, late usage, changes of plan and a cancellation, on real documents of several periods.

What each coupon gives in a period over all documents stays in its bounds, every document adds up, and `verify` agrees.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from billing.invoices.actions import bill_account
from billing.invoices.models import Invoice
from billing.invoices.verify import steps, verify
from billing.plans.actions import Actor, cancel, confirm_change, load_catalog, redeem
from billing.plans.errors import SameVersion
from billing.plans.models import Plan, Redemption, Subscription
from tests.effort import seeds
from tests.invoices import world

D = Decimal
CENT = D("0.01")
PLANS = ["team", "studio", "floor", "weekly", "yearly"]


@pytest.fixture
def noon(db: None) -> Iterator[datetime]:
    """Today's: a seed tries the same all day."""
    charges = [{**world.OUT, "tax": "fr-55"}, world.IN]
    world.load(
        world.plan("weekly", *charges, interval="week", base_price="13.00"),
        world.plan("yearly", *charges, interval="year", base_price="450.00", minimum_spend="600.00"),
    )
    at = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    with time_machine.travel(at, tick=False):
        yield at


@pytest.mark.parametrize("turn", range(len(seeds(1, 40))))
def test_coupons_stay_in_their_bounds_over_all_documents_of_a_period(turn: int, noon: datetime) -> None:
    chance = random.Random(f"coupons {seeds(1, 40)[turn]}")
    subscription = customer(chance, noon)
    account = subscription.account
    known = [
        world.event(
            account,
            subscription.started_at + timedelta(days=chance.randint(0, 32)),
            output_tokens=chance.randrange(4_000_000),
        )
        for _ in range(6)
    ]
    world.send(known)
    bill_account(account, noon - timedelta(days=chance.choice([0, 2])))
    for again in chance.sample(known, 2):
        if noon - timedelta(days=30) < datetime.fromisoformat(again["time"]):
            world.send([{**again, "revision": 1, "data": {"output_tokens": chance.randrange(4_000_000)}}])
    world.use(account, noon - timedelta(days=chance.randint(1, 20)), input_tokens=chance.randrange(9_000_000))
    bill_account(account, noon)
    for code in chance.sample(PLANS, 2):
        try:
            confirm_change(subscription, Plan.objects.get(code=code), "now", actor=Actor.INSTALLATION)
        except SameVersion:
            continue
        bill_account(account, noon)
    cancel(subscription, "now", actor=Actor.INSTALLATION)
    bill_account(account, noon)
    check(list(Invoice.objects.filter(account=account)))
    assert [str(each) for step in steps() for each in verify(step)] == []


def customer(chance: random.Random, noon: datetime) -> Subscription:
    """On some plan for a month or two, with one or two coupons redeemed before or since."""
    percent = {
        "code": "P",
        "percent": chance.choice(["1", "12.5", "33.333", "100"]),
        "periods": chance.choice([1, 3, None]),
    }
    amount = {"code": "A", "amount": chance.choice(["1", "7.77", "49", "300"]), "currency": "EUR"}
    load_catalog({"catalog": 1, "coupons": [percent, amount]})
    account = world.customer(timezone=chance.choice(["UTC", "Europe/Paris", "America/Santiago"]))
    start = noon - timedelta(days=chance.randint(33, 60))
    subscription = world.on_plan(account, chance.choice(PLANS[:4]), start)
    for code in chance.sample(["P", "A"], chance.randint(1, 2)):
        redeem(account, code, at=min(noon, start + timedelta(days=chance.randint(-3, 40))))
    return subscription


def check(documents: list[Invoice]) -> None:
    """Every document adds up, and each coupon's uses over all of them stay in their bounds."""
    given, billed = defaultdict[tuple[str, tuple[str, int]], Decimal](Decimal), defaultdict(Decimal)
    assert documents
    for invoice in documents:
        sign = -1 if invoice.kind == Invoice.Kind.CREDIT_NOTE else 1
        discount = sum(D(one["amount"]) for one in invoice.snapshot["discounts"])
        taxes, lines = invoice.snapshot["taxes"], invoice.lines.select_related("period")
        assert invoice.subtotal == sum(line.amount for line in lines)
        assert discount == sum(D(tax["discount"]) for tax in taxes)
        assert invoice.subtotal - discount == sum(D(tax["taxable"]) for tax in taxes)
        assert invoice.tax_total == sum(D(tax["amount"]) for tax in taxes)
        assert invoice.total == invoice.subtotal - discount + invoice.tax_total
        for use in invoice.snapshot["coupons"]:
            given[use["coupon"], (use["subscription"], use["period"])] += D(use["discount"])
        for line in lines:
            if line.period:
                billed[str(line.period.subscription_id), line.period.number] += sign * line.amount
    amounts = {one.coupon.code: one.amount for one in Redemption.objects.select_related("coupon")}
    for (code, _), amount in given.items():
        limit = amounts[code]
        assert amount >= 0
        assert limit is None or amount <= limit
    rounded = sum(limit is None for limit in amounts.values()) * len(documents) * CENT
    for period in {period for _, period in given}:
        of_all = sum(amount for (_, own), amount in given.items() if own == period)
        assert of_all <= billed[period] + rounded
