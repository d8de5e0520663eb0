"""Every aggregation at any instant equals a count by hand; days, rows and single events sum to the same."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Account
from billing.plans.models import Meter, Period
from billing.pricing.money import exact, round_fraction_places
from billing.usage.models import DayTotal, RollupShape
from billing.usage.queries import UsageQueryError, events_of_line, latest_arrival, usage_rows, usage_upto
from billing.usage.rating import daily_costs, rate_period
from billing.usage.reading.upto import Question, usages_upto
from billing.usage.rebuild import rebuild, sync_rollups
from billing.usage.shapes import set_priced_dimensions
from tests.usage import oracle
from tests.usage.given import NOW, event, given_account, period, send

pytestmark = pytest.mark.usefixtures("db")

CHARGES = [
    {
        "meter": "tokens",
        "code": "large",
        "where": {"model": ["gpt-4", "o1"]},
        "model": "graduated",
        "tiers": [
            {"up_to": "200", "unit_price": "0.1"},
            {"up_to": None, "unit_price": "0.05", "flat_price": "3"},
        ],
    },
    {
        "meter": "tokens",
        "code": "small",
        "where": {"model": ["mini"]},
        "model": "per_unit",
        "unit_price": "0.013",
    },
    {"meter": "calls", "model": "package", "package_size": "7", "package_price": "0.5"},
    {"meter": "peak", "model": "per_unit", "unit_price": "0.01"},
    {"meter": "users", "model": "per_unit", "unit_price": "2"},
    {
        "meter": "seats",
        "model": "volume",
        "tiers": [{"up_to": "5", "unit_price": "3"}, {"up_to": None, "unit_price": "1"}],
    },
    {"meter": "storage", "model": "per_unit", "unit_price": "0.7"},
]
PERCENT = {
    "meter": "tokens",
    "code": "fees",
    "model": "percentage",
    "rate": "2.5",
    "fixed_fee": "0.1",
    "included_amount": "30",
}
ZONES = ["UTC", "Europe/Paris", "Asia/Kathmandu", "America/St_Johns"]
START = (NOW - timedelta(days=24)).replace(hour=13, minute=47)


def given_usage(
    seed: int, charges: list[dict] | None = None, count: int = 150, code: str = "acme"
) -> Account:
    chance = random.Random(seed)
    account = given_account(code, charges or CHARGES, start=START, timezone=ZONES[seed % len(ZONES)])
    span = int((NOW - START).total_seconds())
    send(*({**_random_event(chance, span), "subject": code} for _ in range(count)))
    return account


def _random_event(chance: random.Random, span: int) -> dict:
    at = START + timedelta(seconds=chance.randrange(span))
    if chance.random() < 0.3:  # ties, and events on the edge of a local day
        at = at.replace(hour=chance.choice([0, 22, 23]), minute=0, second=0)
        at = min(max(at, START), NOW)
    kind = chance.choice(["llm", "llm", "login", "seats.set", "storage.set"])
    data = {
        "llm": {
            "tokens": chance.choice([chance.randint(-5, 90), f"{chance.random():.6f}", None]),
            "model": chance.choice(["gpt-4", "o1", "mini", None]),
            "region": chance.choice(["eu", "us"]),
        },
        "login": {"user": chance.choice(["ann", "bob", 1, "1", True, ""]), "model": "m"},
        "seats.set": {"seats": chance.randint(1, 9)},
        "storage.set": {"gb": chance.randint(0, 20), "bucket": chance.choice(["a", "b", None])},
    }[kind]
    return event(type=kind, time=at.isoformat(), data=data)


def terms(found: Period) -> list:
    return list(rate_period(found, as_of=found.end).spans[0].plan.charges)


@pytest.mark.parametrize("seed", range(8))
def test_usage_upto_is_what_the_events_say(seed: int) -> None:
    account = given_usage(seed)
    found, chance = period(account), random.Random(seed)
    charges, meters = terms(found), {meter.code: meter for meter in Meter.objects.all()}
    zone = ZoneInfo(account.timezone)
    midnight = (START + timedelta(days=9)).astimezone(zone).replace(hour=0, minute=0, second=0)
    cuts = [found.start, midnight.astimezone(UTC), NOW, found.end]
    cuts += [START + timedelta(seconds=chance.randrange(24 * 86400)) for _ in range(6)]
    got = usage_upto(account, found.start, cuts, charges, found.full_start, found.full_end)
    events, full = oracle.all_events(account), (found.full_start, found.full_end)
    for cut in cuts:
        for charge in charges:
            wanted = Fraction(0)
            if cut > found.start:
                wanted = oracle.quantity(events, meters[charge.meter], charge.where, found.start, cut, full)
            usage = got[cut].get(charge.code)
            assert (usage.quantity if usage else 0) == round_fraction_places(wanted, 12), (charge.code, cut)


def test_several_periods_read_together_are_what_each_is_alone() -> None:
    """Of accounts in different zones, with charges, cuts and instants of arrival of their own."""
    questions = []
    for seed in range(4):
        account, chance = given_usage(seed, code=f"a{seed}"), random.Random(seed)
        found = period(account)
        cuts = [START + timedelta(seconds=chance.randrange(24 * 86400)) for _ in range(5)]
        charges = chance.sample(terms(found), 5)
        full = (found.full_start, found.full_end)
        questions += [
            Question(account, found.start, [*cuts, found.end], charges, full),
            Question(
                account,
                found.start,
                cuts,
                charges,
                full,
                arrived_by=NOW - timedelta(days=chance.randrange(3)),
            ),
            Question(account, found.start, [found.start], charges, full),
        ]
    assert usages_upto(questions) == [usages_upto([question])[0] for question in questions]


def test_a_cut_day_without_usage_beyond_the_cut_is_read_from_its_total() -> None:
    """So figures of a busy account's today cost no more than those of a week ago. A marked total shows what is read."""
    account = given_account(charges=CHARGES, start=START)
    found = period(account)
    charges, full = terms(found), (found.full_start, found.full_end)
    day = START + timedelta(days=1)
    early, late = day + timedelta(minutes=5), day + timedelta(hours=1)
    for at, tokens in ((early, 5), (late, 7)):
        send(event(type="llm", time=at.isoformat(), data={"tokens": tokens, "model": "mini"}))

    def small(*cuts: datetime) -> list[Decimal]:
        got = usage_upto(account, found.start, cuts, charges, *full)
        return [got[cut]["small"].quantity for cut in cuts]

    between, after = day + timedelta(minutes=30), late + timedelta(minutes=1)
    next_day = day + timedelta(days=1)
    assert small(between, after) == [5, 12]
    DayTotal.objects.filter(account=account, meter__code="tokens").update(total=1000)
    assert small(after) == [1000]
    assert small(next_day) == [1000]
    assert small(after, next_day, next_day + timedelta(days=1)) == [1000] * 3, "days read along"
    assert small(between) == [5], "what lies behind the cut is in the total"
    assert small(between, after) == [5, 12], "a cut inside the day needs its events"
    assert small(between, next_day) == [5, 12]


def test_a_level_counts_from_before_the_period() -> None:
    account = given_account(charges=CHARGES, start=START)
    held = period(account)
    Period.objects.filter(pk=held.pk).update(start=held.start)
    send(event(type="storage.set", time=START.isoformat(), data={"gb": 10, "bucket": "a"}))
    middle = held.start + (held.end - held.start) / 2
    charges = [charge for charge in terms(held) if charge.code == "storage"]
    got = usage_upto(account, middle, [held.end], charges, held.start, held.end)
    assert got[held.end]["storage"].quantity == 5


@pytest.mark.parametrize("seed", range(4))
def test_the_days_sum_to_the_exact_cost(seed: int) -> None:
    account = given_usage(seed)
    found = period(account)
    for until in (None, NOW, START + timedelta(days=5, hours=3)):
        with exact():
            costs = dict[str, Decimal]()
            for _, each in daily_costs(found, until, as_of=until or NOW):
                for code, cost in each.items():
                    costs[code] = costs.get(code, Decimal(0)) + cost
        lines = {line.charge: line.exact_amount for line in rate_period(found, until, as_of=NOW).lines}
        assert {code: round_fraction_places(Fraction(cost), 12) for code, cost in costs.items() if cost} == {
            code: cost for code, cost in lines.items() if cost
        }


def test_days_are_read_in_few_queries(django_assert_max_num_queries) -> None:
    account = given_usage(1, [CHARGES[0], CHARGES[2]])
    found = period(account)
    with django_assert_max_num_queries(8):
        daily_costs(found)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ready", [True, False])
def test_rows_sum_to_the_whole(seed: int, ready: bool) -> None:
    account = given_usage(seed)
    if not ready:
        RollupShape.objects.update(ready=None)
        DayTotal.objects.all().delete()
    found = period(account)
    for code in ("tokens", "calls"):
        meter = Meter.objects.get(code=code)
        whole = usage_rows(account, meter, found.start, found.end, "none")[0]
        assert whole.events == sum(
            1
            for one in oracle.all_events(account)
            if one.type == "llm" and (code == "calls" or one.data["tokens"] is not None)
        )
        for granularity in ("hour", "day", "month"):
            for group_by in ([], ["model"], list(meter.dimensions)):
                rows = usage_rows(account, meter, found.start, found.end, granularity, group_by)
                assert sum(row.quantity for row in rows) == whole.quantity
                assert sum(row.events for row in rows) == whole.events


def test_rows_are_local_days() -> None:
    account = given_account(charges=CHARGES, timezone="America/New_York")
    zone = ZoneInfo("America/New_York")
    late = (NOW - timedelta(days=3)).astimezone(zone).replace(hour=23, minute=30, second=0)
    send(event(time=late.isoformat()), event(time=(late + timedelta(hours=1)).isoformat()))
    rows = usage_rows(account, Meter.objects.get(code="tokens"), late - timedelta(days=1), NOW, "day")
    assert [row.start.astimezone(zone).date() for row in rows] == [
        late.date(),
        late.date() + timedelta(days=1),
    ]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"group_by": ["region'--"]}, "group_by"),
        ({"group_by": ["data__tenant__secret"]}, "group_by"),
        ({"group_by": ["a\0b"]}, "group_by"),
        ({"group_by": ["model", "model"]}, "group_by"),
        ({"granularity": "year"}, "granularity"),
        ({"start": NOW, "end": NOW - timedelta(days=1)}, "to"),
        ({"start": datetime(2000, 1, 1, tzinfo=UTC), "granularity": "hour"}, "granularity"),
        ({"start": datetime(1, 1, 1, tzinfo=UTC)}, "from"),
        ({"end": datetime(9999, 12, 31, tzinfo=UTC)}, "to"),
    ],
)
def test_bad_questions_name_the_field(fields: dict, named: str) -> None:
    account = given_account()
    question = {"start": NOW - timedelta(days=1), "end": NOW, **fields}
    with pytest.raises(UsageQueryError) as error:
        usage_rows(account, Meter.objects.get(code="tokens"), **question)
    assert error.value.field == named


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("limit", [7, 200])
def test_the_events_of_a_line_cost_what_the_line_costs(seed: int, limit: int) -> None:
    charges = [*CHARGES[1:], {**PERCENT, "where": {"model": ["gpt-4"]}}] if seed % 2 else CHARGES
    account = given_usage(seed, charges)
    found = period(account)
    rated = rate_period(found, as_of=found.end)
    for line in rated.lines:
        charge = next(one for one in rated.spans[0].plan.charges if one.code == line.charge)
        cost, after, seen = Decimal(0), None, []
        while True:
            rows, after = events_of_line(found, charge, line.start, line.end, after, limit)
            with exact():
                cost += sum((row.cost for row in rows), Decimal(0))
            seen += [row.event.position for row in rows]
            if after is None:
                break
        assert seen == sorted(set(seen))
        assert abs(cost - line.exact_amount) < Decimal("0.00000001"), line.charge


def test_more_dimensions_are_read_right_before_and_after_the_rebuild() -> None:
    account = given_usage(2, [CHARGES[0], CHARGES[2]])
    meter, found = Meter.objects.get(code="tokens"), period(account)
    before = usage_rows(account, meter, found.start, found.end, "none", ["region"])
    assert set_priced_dimensions(meter, ["region"]) is False
    assert RollupShape.objects.get(meter=meter).dimensions == ["model", "region"]
    assert usage_rows(account, meter, found.start, found.end, "none", ["region"]) == before
    assert [each.code for each in sync_rollups()] == ["tokens"]
    assert RollupShape.objects.get(meter=meter).ready == ["model", "region"]
    assert usage_rows(account, meter, found.start, found.end, "none", ["region"]) == before
    assert rebuild(check=True) == []


def test_a_new_time_zone_changes_no_sum() -> None:
    account = given_usage(1)
    found = period(account)
    before = rate_period(found, as_of=found.end).lines
    account.timezone = "Pacific/Chatham"
    account.save()
    assert rate_period(found, as_of=found.end).lines == before
    rebuild(account=account)
    assert rate_period(found, as_of=found.end).lines == before
    assert rebuild(check=True) == []


def test_a_check_finds_what_was_changed() -> None:
    account = given_usage(1)
    day = DayTotal.objects.filter(account=account, meter__code="tokens").first()
    assert day is not None
    DayTotal.objects.filter(account_id=account.pk, meter=day.meter, day=day.day).update(total=day.total + 1)
    assert {each.meter for each in rebuild(check=True)} == {"tokens"}
    rebuild()
    assert rebuild(check=True) == []


def test_latest_arrival() -> None:
    account = given_account()
    assert latest_arrival(account) is None
    send(event())
    arrived = latest_arrival(account)
    assert arrived is not None
    assert abs(arrived - datetime.now(UTC)) < timedelta(seconds=5)
    assert isinstance(DayTotal.objects.first().day, date)


def test_a_level_held_now_is_not_counted_ahead() -> None:
    account = given_account(charges=CHARGES, start=START)
    held = period(account)
    send(event(type="storage.set", time=held.start.isoformat(), data={"gb": 10, "bucket": "a"}))

    def storage(as_of: datetime) -> Fraction:
        lines = {line.charge: line.quantity for line in rate_period(held, as_of=as_of).lines}
        return Fraction(lines["storage"])

    whole = held.full_end - held.full_start
    middle = held.start + (held.end - held.start) / 2
    assert storage(middle) == round_fraction_places(10 * ratio(middle - held.start, whole), 12)
    held.closed_at = held.end
    assert storage(middle) == round_fraction_places(10 * ratio(held.end - held.start, whole), 12)


def ratio(part: timedelta, whole: timedelta) -> Fraction:
    return Fraction(part // timedelta(microseconds=1), whole // timedelta(microseconds=1))
