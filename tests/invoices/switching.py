"""Random customers for the tests of plan changes: a charge for every aggregation and model, events, and changes.

`expected_lines` says what they owe by the independent checkers: quantities event by event, prices in Fractions.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Account
from billing.invoices.models import Invoice
from billing.invoices.queries import invoice_data
from billing.plans.actions import Actor, confirm_change, load_catalog, subscribe
from billing.plans.models import Meter, Period, Plan
from billing.pricing.charges import AGGREGATIONS, MODELS
from billing.usage.values import number_of, text_of
from tests.invoices import world
from tests.pricing import oracle
from tests.pricing.test_oracle import random_charge
from tests.usage import oracle as slow

PAIRS = [
    (aggregation, model)
    for aggregation in AGGREGATIONS
    for model in MODELS
    if model != "percentage" or aggregation in ("sum", "count")
]
"""Every aggregation with every model that takes it."""

ZONES = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/Santiago",
]
MONTHS = [datetime(2025, month, 1, tzinfo=UTC) for month in (3, 4, 9, 10, 11)]
"""Clocks change in all of them somewhere."""


@dataclass
class Sold:
    """What is sold: plans p0, p1, … as catalogue data, all with the same charge codes."""

    plans: list[dict[str, Any]]
    chance: random.Random
    start: datetime
    zone: str
    moves: list[tuple[datetime, str]] = field(default_factory=list)


def sell(seed: object, versions: int, *, equal: bool) -> Sold:
    """A catalogue of `versions` plans, with equal prices or each with its own, and up to 8 changes among them."""
    chance = random.Random(f"switching {seed}")
    codes = {f"{aggregation}-{model}": (aggregation, model) for aggregation, model in PAIRS}
    meters = [
        world.meter(
            code,
            code,
            code,
            event_type="used",
            aggregation=aggregation,
            value={"count": None, "unique": "user"}.get(aggregation, "size"),
            dimensions=["kind", "region"],
        )
        for code, (aggregation, _) in codes.items()
    ]
    plans = []
    charges: list[dict[str, Any]] = []
    for number in range(versions):
        if not charges or not equal:
            charges = [_charge(chance, code, model) for code, (_, model) in codes.items()]
        named = [{**charge, "name": f"{charge['code']} of p{number}"} for charge in charges]
        base = f"{chance.randrange(10_000)}.{chance.randrange(100):02d}"
        plans.append(world.plan(f"p{number}", *named, base_price=base))
    load_catalog({"catalog": 1, "meters": meters, "plans": plans, "taxes": world.CATALOG["taxes"]})
    zone = chance.choice(ZONES)
    start = chance.choice(MONTHS) + timedelta(days=chance.randrange(28), minutes=chance.randrange(1440))
    return Sold(plans, chance, start, zone)


def _charge(chance: random.Random, code: str, model: str) -> dict[str, Any]:
    charge = random_charge(chance, code, model) | {"meter": code}
    charge["tax"] = chance.choice([None, "fr-20", "fr-55"])
    where = chance.choice([{}, {}, {"kind": ["a"]}, {"kind": ["a", "b"], "region": ["eu"]}])
    return charge | {"where": where}


def customer(sold: Sold, code: str) -> Account:
    account = world.customer(code, timezone=sold.zone)
    subscribe(account, Plan.objects.get(code="p0"), sold.start)
    return account


def period_of(account: Account) -> Period:
    """The first one."""
    return Period.objects.select_related("account").filter(account=account).earliest("start")


def choose_moves(sold: Sold, period: Period, most: int = 8) -> None:
    """Instants of changes, in order: inside days, at local midnights, at the period's start, several on a day."""
    chance, seconds = sold.chance, int((period.end - period.start).total_seconds())
    instants = []
    for _ in range(chance.randint(1, most)):
        at = period.start + timedelta(seconds=chance.randrange(seconds))
        if chance.random() < 0.3:
            local = at.astimezone(ZoneInfo(sold.zone)).replace(hour=0, minute=0, second=0, microsecond=0)
            at = max(period.start, local.astimezone(UTC))
        instants.append(at)
        if chance.random() < 0.3:
            instants.append(at + timedelta(seconds=chance.randrange(7200)))
    now = "p0"
    for at in sorted({min(at, period.end - timedelta(seconds=1)) for at in instants})[:most]:
        now = chance.choice([plan["code"] for plan in sold.plans if plan["code"] != now])
        sold.moves.append((at, now))


def usage(sold: Sold, period: Period, account: Account, count: int = 40) -> list[dict[str, Any]]:
    """Events of the period, some of them at the very instants of changes, some at the same instant."""
    chance, seconds = sold.chance, int((period.end - period.start).total_seconds())
    edges = [at for at, _ in sold.moves] + [period.start]
    found = []
    for _ in range(count):
        at = period.start + timedelta(seconds=chance.randrange(seconds))
        if chance.random() < 0.3:
            at = max(
                period.start, chance.choice(edges) + timedelta(microseconds=chance.choice([-1, 0, 0, 1]))
            )
        size = chance.choice([chance.randint(-9, 40), f"{chance.random() * 30:.12f}", "0.000000000001", 0])
        data = {
            "size": size,
            "user": chance.choice(["ann", "bob", "cy", 7, "7"]),
            "kind": chance.choice(["a", "b", None]),
            "region": chance.choice(["eu", "us"]),
        }
        data = {key: value for key, value in data.items() if value is not None}
        found.append(world.event(account, at, "used", **data))
    return found


def same_for(account: Account, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**event, "subject": account.code} for event in events]


def move(account: Account, moves: Sequence[tuple[datetime, str]]) -> None:
    for at, plan in moves:
        (subscription,) = account.subscriptions.all()
        confirm_change(subscription, Plan.objects.get(code=plan), at=at, actor=Actor.INSTALLATION)


def close(account: Account) -> Invoice:
    """The invoice of the first period's usage."""
    period = period_of(account)
    issued = world.bill(account, period.end)
    for invoice in issued:
        assert_adds_up(invoice)
    return next(invoice for invoice in issued if invoice.closes_id == period.pk)


def assert_adds_up(invoice: Invoice) -> None:
    """The issued rows: lines to the subtotal, taxes rounded once per category and rate, credits to what is due."""
    lines, data = list(invoice.lines.all()), invoice_data(invoice)
    assert invoice.subtotal == sum(line.amount for line in lines) == Decimal(data["subtotal"])
    taxable: dict[tuple[str, Decimal], Decimal] = {}
    for line in lines:
        key = line.tax_category, line.tax_rate
        taxable[key] = taxable.get(key, Decimal(0)) + line.amount
    taxes = {key: oracle.half_up(Fraction(net) * Fraction(key[1]) / 100, 2) for key, net in taxable.items()}
    shown = {
        (tax["category"], Decimal(tax["rate"])): (Decimal(tax["taxable"]), Decimal(tax["amount"]))
        for tax in data["taxes"]
    }
    assert shown == {key: (net, taxes[key]) for key, net in taxable.items()}
    assert invoice.tax_total == sum(taxes.values())
    assert invoice.total == invoice.subtotal + invoice.tax_total
    assert invoice.amount_due == invoice.total - invoice.credits_applied
    assert 0 <= invoice.credits_applied <= invoice.total


def owed(invoice: Invoice) -> list[tuple[str, str, Decimal]]:
    """(kind, charge, amount) of the lines of usage."""
    lines = invoice.lines.filter(kind__in=("usage", "minimum")).order_by("position")
    return [(line.kind, line.charge, line.amount) for line in lines]


def by_charge(invoice: Invoice) -> dict[str, Decimal]:
    """What usage and minimum of each charge cost together."""
    sums: dict[str, Decimal] = {}
    for _, charge, amount in owed(invoice):
        sums[charge] = sums.get(charge, Decimal(0)) + amount
    return {charge: amount for charge, amount in sums.items() if amount}


def expected_lines(sold: Sold, account: Account) -> list[tuple[str, str, Fraction]]:
    """What `owed` must be, by the contract, from single events."""
    period, zone = period_of(account), ZoneInfo(sold.zone)
    events = slow.all_events(account)
    starts = [(period.start, "p0"), *sold.moves]
    spans = []
    for (start, code), end in zip(starts, [*(at for at, _ in sold.moves), period.end], strict=True):
        if start == end:
            continue
        plan = next(plan for plan in sold.plans if plan["code"] == code)
        days = [at.astimezone(zone).date() for at in (start, end)]
        share = Fraction((days[1] - days[0]).days, period.full_days)
        sides = [{c["code"]: _used(c, events, period, cut) for c in plan["charges"]} for cut in (start, end)]
        spans.append((plan, *sides, share))
    return [line[:3] for line in oracle.lines(spans, 2)]


def _used(
    charge: dict[str, Any], events: Sequence[Any], period: Period, cut: datetime
) -> tuple[Fraction, Any]:
    meter = Meter.objects.get(code=charge["meter"])
    where = charge["where"]
    full = (period.full_start, period.full_end)
    quantity = (
        slow.quantity(events, meter, where, period.start, cut, full) if cut > period.start else Fraction(0)
    )
    amounts = tuple(
        Fraction(1) if meter.aggregation == "count" else Fraction(number_of(event.data["size"]) or 0)
        for event in events
        if period.start <= event.time < cut
        and all(text_of(event.data.get(name)) in values for name, values in where.items())
    )
    return oracle.half_up(quantity, 12), amounts
