"""A simulation of the account's own plan is what was invoiced; of another, what that would have invoiced."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.invoices.actions import bill_account
from billing.invoices.models import InvoiceLine
from billing.plans.actions import Actor, cancel, load_catalog, subscribe
from billing.plans.models import Period, PlanVersion
from billing.pricing.lines import Line as PricedLine
from billing.pricing.money import exact
from billing.usage.models import DayTotal, RollupShape
from billing.usage.simulation import simulate, simulate_all
from tests.factories import make_account
from tests.usage.given import METERS, NOW, catalog, event, send

pytestmark = pytest.mark.usefixtures("db")

ZONES = ["UTC", "Europe/Paris", "Asia/Kathmandu", "America/St_Johns"]
BASES = ["0", "9.99", "49"]
START = (NOW - timedelta(days=75)).replace(hour=13, minute=47)


def random_charge(chance: random.Random, meter: str, **keys: object) -> dict:
    tiers = [
        {"up_to": str(chance.randint(1, 400)), "unit_price": f"{chance.random():.4f}", "flat_price": "1.5"},
        {"up_to": None, "unit_price": f"{chance.random():.6f}", "flat_price": chance.choice(["0", "3"])},
    ]
    models = [
        {"model": "per_unit", "unit_price": f"{chance.random():.5f}"},
        {"model": "package", "package_size": str(chance.randint(1, 50)), "package_price": "0.7"},
        {"model": "graduated", "tiers": tiers},
        {"model": "volume", "tiers": tiers},
    ]
    if meter in ("tokens", "calls"):
        models.append({"model": "percentage", "rate": "1.3", "fixed_fee": "0.02", "included_amount": "30"})
    charge = {"meter": meter, **chance.choice(models), **keys}
    if chance.random() < 0.4:
        charge["included"] = str(chance.randint(1, 100))
    if chance.random() < 0.3:
        charge["minimum_amount"] = str(chance.randint(1, 60))
    if chance.random() < 0.3:
        charge["maximum_amount"] = str(chance.randint(60, 90))
    return charge


def random_plan(chance: random.Random, code: str, **fields: object) -> dict:
    charges = []
    for meter in [one["code"] for one in METERS if chance.random() < 0.7]:
        if meter in ("tokens", "calls") and chance.random() < 0.6:
            for values in (["gpt-4", "o1"], ["mini"]):
                where = {"model": values}
                charges.append(random_charge(chance, meter, code=f"{meter}-{values[0]}", where=where))
        else:
            charges.append(random_charge(chance, meter))
    return {
        "code": code,
        "name": code.title(),
        "currency": "EUR",
        "interval": chance.choice(["week", "month"]),
        "base_price": chance.choice(BASES),
        "minimum_spend": chance.choice(["0", "0", "150.50"]),
        "charges": charges,
        **fields,
    }


def given_plans(*plans: dict) -> list[PlanVersion]:
    load_catalog({**catalog([]), "plans": list(plans)})
    return [PlanVersion.objects.get(plan__code=plan["code"]) for plan in plans]


def random_usage(chance: random.Random, count: int = 250) -> None:
    send(*(random_event(chance) for _ in range(count)))


def random_event(chance: random.Random) -> dict:
    at = START + timedelta(seconds=chance.randrange(int((NOW - START).total_seconds())))
    kind = chance.choice(["llm", "llm", "login", "seats.set", "storage.set"])
    data = {
        "llm": {
            "tokens": chance.choice([chance.randint(-5, 90), f"{chance.random():.6f}"]),
            "model": chance.choice(["gpt-4", "o1", "mini", None]),
        },
        "login": {"user": chance.choice(["ann", "bob", "cy"]), "model": "m"},
        "seats.set": {"seats": chance.randint(1, 9)},
        "storage.set": {"gb": chance.randint(0, 20), "bucket": chance.choice(["a", "b", None])},
    }[kind]
    return event(type=kind, time=at.isoformat(), data=data)


def seen(line: PricedLine) -> tuple:
    return line.kind, line.charge, line.amount, line.exact_amount


def billed(period: Period) -> Counter:
    """What invoices charged for the period: usage, minimums, base price, days given back."""
    return Counter(
        (line.kind, line.charge or None, line.amount, line.exact_amount)
        for line in InvoiceLine.objects.filter(period=period)
    )


@pytest.mark.parametrize("seed", range(12))
def test_the_own_version_over_closed_periods_is_what_was_invoiced(seed: int) -> None:
    chance = random.Random(seed)
    [version] = given_plans(random_plan(chance, "own"))
    account = make_account("acme", timezone=ZONES[seed % len(ZONES)])
    subscribe(account, version.plan, START, chance.choice(["start", "calendar"]), actor=Actor.INSTALLATION)
    random_usage(chance)
    bill_account(account, NOW)
    closed = Period.objects.filter(account=account).exclude(closed_at=None)
    assert len(closed) >= 2
    for period in closed:
        [found] = simulate(account, version, period.start, period.end).periods
        assert Counter(map(seen, found.lines)) == billed(period), period.number
    whole = simulate(account, version, closed[0].start, list(closed)[-1].end)
    assert len(whole.periods) == len(closed)
    with exact():
        assert whole.total == sum(
            (line[2] * n for one in closed for line, n in billed(one).items()), Decimal(0)
        )


@pytest.mark.parametrize("hour", [0, 9])
def test_a_period_cut_by_a_cancellation_gives_its_days_back(hour: int) -> None:
    chance = random.Random(5)
    [version] = given_plans(random_plan(chance, "own", interval="month", base_price="49", minimum_spend="60"))
    account = make_account("acme", timezone="UTC")
    subscription = subscribe(account, version.plan, START, actor=Actor.INSTALLATION)
    random_usage(chance)
    bill_account(account, NOW)
    cancel(subscription, "now", actor=Actor.INSTALLATION)
    bill_account(account, datetime.now(UTC))
    last = Period.objects.filter(account=account).latest("start")
    [found] = simulate(account, version, last.start, last.end).periods
    assert Counter(map(seen, found.lines)) == billed(last)
    assert "proration" in {line.kind for line in found.lines}
    cut = (last.start + timedelta(days=2)).replace(hour=hour, minute=0)
    [short] = simulate(account, version, last.start, cut).periods
    days = 2 if hour == 0 else 3
    base, back = short.base
    full = (last.full_end_day - last.full_first_day).days
    assert (base.quantity, back.quantity) == (full, full - days)
    assert short.end == cut


def test_periods_go_by_the_plans_own_interval_from_the_local_day() -> None:
    week, year = given_plans(
        random_plan(random.Random(1), "week", interval="week"),
        random_plan(random.Random(1), "year", interval="year"),
    )
    account = make_account("acme", timezone="America/St_Johns")
    start, end = datetime(2026, 1, 31, 15, 30, tzinfo=UTC), datetime(2026, 3, 5, 12, tzinfo=UTC)
    weekly, yearly = simulate_all(account, [week, year], start, end)
    assert [(one.start.date(), one.end) for one in yearly.periods] == [(start.date(), end)]
    assert [one.start for one in weekly.periods][:2] == [start, datetime(2026, 2, 7, 3, 30, tzinfo=UTC)]
    assert all(one.end == two.start for one, two in zip(weekly.periods, weekly.periods[1:], strict=False))
    assert (weekly.periods[0].start, weekly.periods[-1].end) == (start, end)
    with pytest.raises(ValueError, match="before it starts"):
        simulate(account, week, end, start)


@pytest.mark.parametrize("seed", range(6))
def test_another_plan_comes_to_what_it_would_have_invoiced(seed: int) -> None:
    """Also where day totals do not hold its dimensions, or are not there at all."""
    chance = random.Random(seed + 100)
    versions = given_plans(*(random_plan(chance, code, interval="month") for code in ("one", "two", "three")))
    if seed % 2:
        RollupShape.objects.update(ready=None if seed == 1 else [])
        DayTotal.objects.all().delete()
    account = make_account("acme", timezone=ZONES[seed % len(ZONES)])
    subscribe(account, versions[0].plan, START, actor=Actor.INSTALLATION)
    others = []
    for number, version in enumerate(versions[1:]):
        other = make_account(f"other{number}", timezone=account.timezone)
        subscribe(other, version.plan, START, actor=Actor.INSTALLATION)
        others.append(other)
    events = [random_event(chance) for _ in range(200)]
    for each in (account, *others):
        send(*({**one, "subject": each.code} for one in events))
    for each in others:
        bill_account(each, NOW)
    closed = Period.objects.filter(account=others[0]).exclude(closed_at=None)[0]
    found = simulate_all(account, versions, closed.start, closed.end)
    for simulation, other in zip(found[1:], others, strict=True):
        [period] = simulation.periods
        real = Period.objects.get(account=other, start=closed.start)
        assert Counter(map(seen, period.lines)) == billed(real), simulation.version
    assert found == [simulate(account, one, closed.start, closed.end) for one in versions]


def test_what_a_plan_does_not_price_is_named() -> None:
    tokens = {"meter": "tokens", "model": "per_unit", "unit_price": "0.01"}
    storage = {"meter": "storage", "model": "per_unit", "unit_price": "1"}
    some = {**tokens, "where": {"model": ["mini"]}}
    whole = [{"meter": one["code"], "model": "per_unit", "unit_price": "1"} for one in METERS]
    plans = given_plans(
        *(
            {
                "code": code,
                "name": code,
                "currency": "EUR",
                "interval": "month",
                "base_price": "0",
                "charges": charges,
            }
            for code, charges in (("some", [some, storage]), ("tokens", [tokens]), ("whole", whole))
        )
    )
    account = make_account("acme", timezone="UTC")
    subscribe(account, plans[0].plan, START - timedelta(days=5), actor=Actor.INSTALLATION)
    send(
        event(
            time=(START - timedelta(days=3)).isoformat(), type="storage.set", data={"gb": 3, "bucket": "a"}
        ),
        event(time=START.isoformat(), data={"tokens": 5, "model": "mini"}),
        event(time=START.isoformat(), data={"tokens": 5, "model": "gpt-4"}),
    )
    found = simulate_all(account, plans, START, START + timedelta(days=9))
    named = [{one.meter: one.partly for one in each.unpriced} for each in found]
    assert named == [
        {"calls": False, "peak": False, "tokens": True},
        {"calls": False, "peak": False, "storage": False},
        {},
    ]


def test_five_plans_read_the_usage_as_often_as_one() -> None:
    versions = given_plans(*(random_plan(random.Random(7), f"p{n}", interval="month") for n in range(5)))
    account = make_account("acme", timezone="UTC")
    subscribe(account, versions[0].plan, START, actor=Actor.INSTALLATION)
    random_usage(random.Random(7), 50)

    def reads(count: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            simulate_all(account, versions[:count], START, START + timedelta(days=20))
        return sum("usage_event" in one["sql"] for one in queries)

    assert reads(5) == reads(1) > 0
