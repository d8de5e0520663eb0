"""Splitting usage into any batches, in any order, with retries and corrections, never changes a sum.

The same random events are sent by two accounts, in one batch and in many; then every aggregation is asked for at
instants inside days, with filters, and by day and hour.
"""

import random
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Account
from billing.plans.actions import load_catalog, subscribe
from billing.plans.models import Meter, Plan
from billing.pricing.charges import Charge
from billing.pricing.money import round_fraction_places
from billing.usage.queries import usage_rows, usage_upto
from billing.usage.rating import rate_period
from billing.usage.rebuild import rebuild
from tests.effort import seeds
from tests.factories import make_account
from tests.usage import oracle
from tests.usage.given import METERS, NOW, START, catalog, event, numbers, period, send

pytestmark = pytest.mark.usefixtures("db")

DAYS = 20
CHARGES = [
    {
        "meter": meter["code"],
        "code": f"{meter['code']}-{number}",
        "model": "per_unit",
        "unit_price": "1",
        **where,
    }
    for meter in METERS
    for number, where in enumerate(
        [
            {"where": {meter["dimensions"][0]: ["a"]}},
            {"where": {meter["dimensions"][0]: ["b", "c"]}},
        ]
    )
]
KINDS = {"llm": "tokens", "login": "user", "seats.set": "seats", "storage.set": "gb"}


def random_events(chance: random.Random, count: int) -> list[dict[str, Any]]:
    """Events of all types over the period, no two at one instant, which arrival would have to tell apart."""
    seconds = chance.sample(range(DAYS * 86400), count)
    return [_event(chance, f"e{number}", second) for number, second in enumerate(seconds)]


def _event(chance: random.Random, id_: str, second: int) -> dict[str, Any]:
    kind = chance.choice(["llm", "llm", *KINDS])
    value: object = chance.choice(
        [chance.randint(-9, 99), f"{chance.random():.12f}", "12345678901234567890.5"]
    )
    if kind == "login":
        value = chance.choice(["ann", "bob", 7, "7"])
    data = {KINDS[kind]: value, chance.choice(["model", "bucket"]): chance.choice("abcd"), "region": "eu"}
    at = START + timedelta(seconds=second, microseconds=chance.randrange(1_000_000))
    return event(id=id_, type=kind, time=at.isoformat(), data=data)


def corrections(chance: random.Random, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Higher revisions of some: other values, moved in time, voided, and brought back."""
    found = []
    for one in chance.sample(events, len(events) // 4):
        for revision in range(1, chance.randint(2, 4)):
            again = _event(chance, one["id"], chance.randrange(DAYS * 86400))
            again |= {"type": one["type"], "revision": revision}
            again["data"] = chance.choice([other for other in events if other["type"] == one["type"]])["data"]
            if chance.random() < 0.3:
                again["voided"] = True
            found.append(again)
    return found


def in_batches(chance: random.Random, events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """All of them in random batches; some sent again."""
    shuffled = [*events, *chance.sample(events, len(events) // 3)]
    chance.shuffle(shuffled)
    batches = []
    while shuffled:
        size = chance.choice([1, 2, 7, 40])
        batches.append(shuffled[:size])
        del shuffled[:size]
    return batches


def customer(code: str, zone: str) -> Account:
    account = make_account(code, timezone=zone)
    subscribe(account, Plan.objects.get(code="team"), start=START)
    return account


def answers(account: Account, cuts: list[Any]) -> dict[str, Any]:
    """All that can be asked of the account's usage."""
    found = period(account)
    charges: list[Charge] = list(rate_period(found, as_of=found.end).spans[0].plan.charges)
    upto = usage_upto(account, found.start, cuts, charges, found.full_start, found.full_end)
    quantities = {
        (cut, charge.code): used.quantity
        for cut in cuts
        for charge in charges
        if (used := upto[cut].get(charge.code)) and used.quantity
    }
    rows = {
        (meter.code, granularity): [
            (row.start, row.dimensions, row.quantity, row.events)
            for row in usage_rows(
                account, meter, found.start, found.start + timedelta(days=9), granularity, by
            )
        ]
        for meter in Meter.objects.all()
        for granularity, by in (("none", []), ("day", meter.dimensions), ("hour", []))
    }
    return {"quantities": quantities, "rows": rows, "charges": charges}


@pytest.mark.parametrize("turn", range(len(seeds(2, 60))))
def test_any_batches_give_the_same_sums(turn: int) -> None:
    chance = random.Random(f"batches {seeds(2, 60)[turn]}")
    load_catalog(catalog(CHARGES))
    zone = chance.choice(["UTC", "Europe/Paris", "Pacific/Chatham", "America/St_Johns"])
    whole, split = customer("whole", zone), customer("split", zone)
    events = random_events(chance, 120)
    every = [*events, *corrections(chance, events)]
    result = send(*({**one, "subject": "whole"} for one in every))
    assert numbers(result)[2:] == (0, 0)
    for batch in in_batches(chance, every):
        assert send(*({**one, "subject": "split"} for one in batch)).rejected == ()

    found = period(whole)
    cuts = [found.start + timedelta(seconds=chance.randrange(DAYS * 86400)) for _ in range(6)] + [
        NOW,
        found.end,
    ]
    once, often = answers(whole, cuts), answers(split, cuts)
    assert once == often
    assert rebuild(check=True) == []

    stored, meters = oracle.all_events(split), {meter.code: meter for meter in Meter.objects.all()}
    full = (found.full_start, found.full_end)
    for cut in cuts:
        for charge in once["charges"]:
            wanted = oracle.quantity(stored, meters[charge.meter], charge.where, found.start, cut, full)
            got = often["quantities"].get((cut, charge.code), 0)
            assert got == round_fraction_places(wanted, 12), (charge.code, cut)
