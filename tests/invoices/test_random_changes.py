"""Up to 8 plan changes in one period, through real subscriptions: no day's base price is billed twice or left out.

The checker walks the local days one by one and asks which plan held each; it knows nothing of lines or periods but the
anchor. Each period's invoices are issued, so what is summed is what the customer owes.
"""

import random
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Account
from billing.invoices.actions import bill_account
from billing.invoices.models import InvoiceLine
from billing.plans.actions import Actor, confirm_change, subscribe
from billing.plans.models import Period, Plan
from billing.pricing.dates import add_intervals
from tests.effort import seeds
from tests.factories import make_account
from tests.plans import selling

pytestmark = pytest.mark.usefixtures("db")

DAY = timedelta(days=1)
ZONES = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Asia/Kathmandu",
]
INTERVALS = ["week", "month", "quarter", "year"]


def sell(chance: random.Random, intervals: list[str]) -> dict[str, tuple[str, Fraction]]:
    """Three plans of each interval: code -> interval and price."""
    sold = {}
    for interval in intervals:
        for number in range(3):
            price = f"{chance.choice([0, chance.randrange(500)])}.{chance.randrange(100):02d}"
            sold[f"{interval}-{number}"] = (interval, Fraction(price))
    selling.sell(
        *(
            selling.plan(code, str(float(price)), interval=interval, charges=[])
            for code, (interval, price) in sold.items()
        )
    )
    return sold


def customer(chance: random.Random, plan: str, start: datetime, anchor: str) -> Account:
    account = make_account("acme", timezone=chance.choice(ZONES))
    subscribe(account, Plan.objects.get(code=plan), start, anchor)
    return account


def random_instants(chance: random.Random, start: datetime, end: datetime, zone: str) -> list[datetime]:
    """Up to 8, in order; some on one day, some at its midnight, some at the start."""
    found = []
    for _ in range(chance.randint(1, 8)):
        at = start + (end - start) * chance.random()
        if found and chance.random() < 0.3:
            at = chance.choice(found) + timedelta(hours=chance.randrange(9))
        if chance.random() < 0.3:
            at = (
                at.astimezone(ZoneInfo(zone))
                .replace(hour=0, minute=0, second=0, microsecond=0)
                .astimezone(UTC)
            )
        found.append(min(max(at, start), end - timedelta(seconds=1)))
    return sorted(found)


def billed(account: Account, until: datetime) -> dict[str, Fraction]:
    """What is owed for base prices and their changes, rounded and exact; a credit note's lines are given back."""
    bill_account(account, until)
    lines = InvoiceLine.objects.filter(account=account).select_related("invoice")
    assert {line.kind for line in lines} <= {"base", "proration"}
    signs = [-1 if line.invoice.kind == "credit_note" else 1 for line in lines]
    return {
        "amount": sum(sign * Fraction(line.amount) for sign, line in zip(signs, lines, strict=True)),
        "exact": sum(sign * Fraction(line.exact_amount) for sign, line in zip(signs, lines, strict=True)),
        "lines": Fraction(len(lines)),
    }


def expected(
    holders: list[tuple[date, str]],
    sold: dict[str, tuple[str, Fraction]],
    first: date,
    anchor: str,
    last: date,
) -> Fraction:
    """Day by day: the price of the plan that held the day over the days of that day's full period.

    `holders`: (day, plan) from which a plan holds, in order. The periods run on from the day that an interval began.
    """
    total, day, plan, interval, begin, number = Fraction(0), first, "", "", first, 0
    while True:
        for since, code in holders:
            if since == day:
                plan = code
                if sold[plan][0] != interval:
                    begin = _boundary(day, sold[plan][0]) if anchor == "calendar" and not interval else day
                    interval, number = sold[plan][0], 0
        while add_intervals(begin, interval, number + 1) <= day:  # type: ignore[arg-type]
            number += 1
        starts, ends = (add_intervals(begin, interval, number + n) for n in (0, 1))  # type: ignore[arg-type]
        if day >= last and starts == day:
            return total
        total += sold[plan][1] / (ends - starts).days
        day += DAY


def _boundary(day: date, interval: str) -> date:
    if interval == "week":
        return day - timedelta(days=day.isoweekday() - 1)
    month = {"month": day.month, "quarter": 3 * ((day.month - 1) // 3) + 1, "year": 1}[interval]
    return day.replace(month=month, day=1)


def check(account: Account, holders: list[tuple[date, str]], sold: dict, anchor: str, period: Period) -> None:
    """The invoice that closes `period` has the base price of the next one in advance: so much is compared."""
    got = billed(account, period.end)
    following = Period.objects.get(account=account, number=period.number + 1)
    wanted = expected(holders, sold, holders[0][0], anchor, following.end_day)
    assert abs(got["exact"] - wanted) <= got["lines"] / 10**12
    assert abs(got["amount"] - wanted) <= got["lines"] / 200
    assert got["amount"] >= 0


@pytest.mark.parametrize("anchor", ["start", "calendar"])
@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("turn", range(len(seeds(1, 25))))
def test_changes_in_a_period_bill_every_day_once(turn: int, interval: str, anchor: str) -> None:
    chance = random.Random(f"changes {seeds(1, 25)[turn]} {interval} {anchor}")
    sold = sell(chance, [interval])
    start = datetime(2025, chance.choice([1, 2, 3, 9, 10]), 1, tzinfo=UTC)
    start += timedelta(days=chance.randrange(31), seconds=chance.randrange(86400))
    account = customer(chance, f"{interval}-0", start, anchor)
    period = Period.objects.filter(account=account).earliest("start")
    holders = change(chance, account, sold, f"{interval}-0", (period.start, period.end))
    check(account, holders, sold, anchor, period)


@pytest.mark.parametrize("anchor", ["start", "calendar"])
@pytest.mark.parametrize("turn", range(len(seeds(2, 50))))
def test_changes_to_other_intervals_bill_every_day_once(turn: int, anchor: str) -> None:
    """In the days up to now: an interval is changed in the running period only."""
    chance = random.Random(f"intervals {seeds(2, 50)[turn]} {anchor}")
    sold = sell(chance, INTERVALS)
    now = datetime.now(UTC).replace(microsecond=0)
    start = now - timedelta(days=chance.randrange(1, 6), seconds=chance.randrange(86400))
    account = customer(chance, "year-0", start, anchor)
    if Period.objects.filter(account=account).count() > 1:
        pytest.skip("the calendar's year began in these days")
    holders = change(chance, account, sold, "year-0", (start, now))
    last = Period.objects.filter(account=account).latest("number")
    check(account, holders, sold, anchor, last)


def change(
    chance: random.Random, account: Account, sold: dict, plan: str, span: tuple[datetime, datetime]
) -> list[tuple[date, str]]:
    """Change at random instants; (local day, plan) from the start on."""
    zone = ZoneInfo(account.timezone)
    holders = [(span[0].astimezone(zone).date(), plan)]
    for at in random_instants(chance, *span, account.timezone):
        later = Period.objects.filter(account=account, start__gt=at, end__gt=datetime.now(UTC))
        choices = [
            code for code in sold if code != plan and (sold[code][0] == sold[plan][0] or not later.exists())
        ]
        plan = chance.choice(choices)
        (subscription,) = account.subscriptions.all()
        confirm_change(subscription, Plan.objects.get(code=plan), at=at, actor=Actor.INSTALLATION)
        holders.append((at.astimezone(zone).date(), plan))
    return holders
