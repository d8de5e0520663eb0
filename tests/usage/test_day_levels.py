"""Distinct values, latest values and levels over time: from day totals they are what the events say, in any order."""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts.models import Account
from accounts.scope import installation_scope
from billing.plans.models import Meter
from billing.pricing.money import round_fraction_places
from billing.usage.models import DayLevel, DayTotal, RollupShape
from billing.usage.queries import usage_rows, usage_upto
from billing.usage.rating import rate_period
from billing.usage.reading import levels, measures, special
from billing.usage.reading.additive import sums
from billing.usage.reading.measures import Measure, Window
from billing.usage.rebuild import rebuild, sync_rollups
from billing.usage.shapes import align_shapes, serves
from tests.usage import oracle
from tests.usage.given import NOW, START, event, given_account, period, send

SPECIAL = ("users", "seats", "storage")
CHARGES = [
    {"meter": "users", "code": "m", "where": {"model": ["m"]}, "model": "per_unit", "unit_price": "2"},
    {"meter": "users", "code": "o", "where": {"model": ["o", "p"]}, "model": "per_unit", "unit_price": "3"},
    {"meter": "seats", "where": {"model": ["m", "o"]}, "model": "per_unit", "unit_price": "1"},
    {"meter": "storage", "where": {"bucket": ["a", "b"]}, "model": "per_unit", "unit_price": "0.7"},
]
FILTERS: dict[str, list[dict[str, list[str]]]] = {
    "users": [{}, {"model": ["m"]}, {"user": ["ann", "1"]}, {"model": ["o"], "user": ["bob"]}],
    "seats": [{}, {"model": ["m", "o"]}],
    "storage": [{}, {"bucket": ["a"]}, {"bucket": ["a", "b"], "tier": ["hot"]}],
}
GROUPS: dict[str, list[list[str]]] = {
    "users": [[], ["model"]],
    "seats": [[], ["model"]],
    "storage": [[], ["tier"], ["bucket", "tier"]],
}
ZONES = ["UTC", "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Africa/Cairo", "America/St_Johns"]
"""The clocks change in four of them during the last 40 days of autumn."""


def random_event(chance: random.Random, id_: str, zone: str, revision: int = 0) -> dict[str, Any]:
    day = chance.choice([0, 8, 13, 14, 20, 21, 38])  # few, so that days have some events of a series
    at = START + timedelta(days=day, seconds=chance.randrange(86400), microseconds=chance.randrange(10**6))
    if chance.random() < 0.4:  # ties, and the edges of local days
        at = at.astimezone(ZoneInfo(zone)).replace(
            hour=chance.choice([0, 23]), minute=0, second=0, microsecond=0
        )
    kind = chance.choice(["login", "seats.set", "storage.set"])
    value = chance.choice([chance.randint(-2, 9), f"{chance.random():.12f}", None])
    model = chance.choice(["m", "o", "p", None])
    data = {
        "login": {"user": chance.choice(["ann", "bob", 1, "1", True, "", None]), "model": model},
        "seats.set": {"seats": value, "model": model},
        "storage.set": {
            "gb": value,
            "bucket": chance.choice(["a", "b", 7]),
            "tier": chance.choice(["hot", None]),
        },
    }[kind]
    time = max(at, START).isoformat()
    return event(
        id=id_, type=kind, time=time, data=data, revision=revision, voided=chance.random() < revision / 3
    )


def given_usage(seed: int, count: int = 160) -> Account:
    """Events in time order, then in none, then corrected, in batches of any size."""
    chance, zone = random.Random(seed), ZONES[seed % len(ZONES)]
    account = given_account(charges=CHARGES, timezone=zone)
    made = [random_event(chance, str(n), zone) for n in range(count)]
    ordered = sorted(made[: count // 2], key=lambda one: datetime.fromisoformat(one["time"]))
    again = [
        random_event(chance, str(chance.randrange(count)), zone, revision)
        for revision in (1, 2)
        for _ in range(20)
    ]
    sent = [*ordered, *made[count // 2 :], *again, *chance.sample(made, 20)]
    while sent:
        size = chance.choice([1, 7, 40])
        send(*sent[:size])
        sent = sent[size:]
    return account


def questions(chance: random.Random, account: Account) -> list[Window]:
    """Windows that begin and are cut at midnights and at any other instant."""
    midnight = datetime.now(ZoneInfo(account.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight - timedelta(days=n) for n in range(45)]
    found = []
    for _ in range(3):
        instants = chance.sample(days, 3) + [
            START + timedelta(seconds=chance.randrange(40 * 86400)) for _ in range(chance.randrange(3))
        ]
        first, *cuts = sorted(set(instants))
        found.append(Window(account, first, tuple(cuts)))
    return [*found, Window(account, START, (NOW,)), Window(account, days[7], (days[6],))]


def answers(window: Window, measure: Measure, group_by: Sequence[str]) -> list[Any]:
    found = [
        sorted((str(row.dimensions), row.bucket, row.events) for row in sums(window, [measure], group_by))
    ]
    match measure.meter.aggregation:
        case "unique":
            return [
                *found,
                sorted(special.distinct(window, measure, group_by, anew=False)),
                sorted(special.distinct(window, measure, group_by, anew=True)),
                special.seen_before(window, measure),
            ]
        case "latest":
            return [*found, sorted(levels.latest(window, measure, group_by), key=by_place)]
    return [
        *found,
        sorted(levels.level_steps(window, measure, group_by), key=by_place),
        levels_before(window, measure),
    ]


def levels_before(window: Window, measure: Measure) -> dict[tuple[str | None, ...], Decimal]:
    return levels.levels_after(levels.level_steps(window, measure, measure.meter.dimensions))


def by_place(row: tuple[Any, ...]) -> str:
    return str(row[:2])


def with_shape(code: str) -> Meter:
    return Meter.objects.select_related("rollup_shape").get(code=code)


def by_events(monkeypatch: pytest.MonkeyPatch, ask: Callable[[], Any]) -> Any:
    with monkeypatch.context() as patch:
        for module in (measures, special, levels):
            patch.setattr(module, "is_served", lambda *_: False)
        return ask()


@pytest.mark.parametrize("seed", range(6))
def test_totals_answer_as_the_events_do(db: None, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    account, chance = given_usage(seed), random.Random(seed)
    assert rebuild(check=True) == []
    arrivals = [one.received_at for one in oracle.all_events(account)]
    asked = 0
    for code in SPECIAL:
        meter, wheres = with_shape(code), zip(FILTERS[code], GROUPS[code] * 2, strict=False)
        for where, group_by in wheres:
            measure = Measure(meter, where)
            assert measures.is_served(measure, group_by)
            windows = questions(chance, account)
            windows += [replace(window, arrived_by=chance.choice(arrivals)) for window in windows]

            def ask() -> list[Any]:
                return [answers(window, measure, group_by) for window in windows]  # noqa: B023

            got, wanted = ask(), by_events(monkeypatch, ask)
            for window, one, other in zip(windows, got, wanted, strict=True):
                assert one == other, (code, where, group_by, window)
                asked += any(one)
    assert asked > 50


@pytest.mark.parametrize("seed", range(4))
def test_quantities_are_those_of_a_count_by_hand(db: None, seed: int) -> None:
    account = given_usage(seed)
    found, meters = period(account), {meter.code: meter for meter in Meter.objects.all()}
    charges = rate_period(found, as_of=found.end).spans[0].plan.charges
    midnight = NOW.astimezone(ZoneInfo(account.timezone)).replace(hour=0, minute=0, second=0)
    cuts = [
        found.end,
        *(midnight - timedelta(days=n) for n in range(9, 36, 4)),
        NOW - timedelta(days=12, hours=5),
    ]
    full = (found.full_start, found.full_end)
    got, events = usage_upto(account, found.start, cuts, charges, *full), oracle.all_events(account)
    for cut in cuts:
        for charge in charges if cut > found.start else []:
            wanted = oracle.quantity(events, meters[charge.meter], charge.where, found.start, cut, full)
            assert got[cut][charge.code].quantity == round_fraction_places(wanted, 12), (charge.code, cut)
    assert any(got[found.end][charge.code].quantity for charge in charges)


@pytest.mark.parametrize("seed", range(6))
def test_rows_are_the_same_from_days_and_events(db: None, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    account = given_usage(seed)
    for code in SPECIAL:
        meter = Meter.objects.get(code=code)
        for granularity in ("hour", "day", "month", "none"):
            for group_by in GROUPS[code]:

                def ask() -> Any:
                    return usage_rows(account, meter, START, NOW, granularity, group_by)  # noqa: B023

                assert ask() == by_events(monkeypatch, ask)


def test_whole_days_are_read_without_an_event(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a level that was set before the window: were an event read, these questions would have no answer."""
    account = given_usage(0)
    days = [START + timedelta(days=n) for n in (20, 25, 33)]
    window = Window(account, days[0], (days[1], days[2]))
    wanted = {code: answers(window, Measure(with_shape(code), {}), []) for code in SPECIAL}
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM usage_event")
    assert wanted == {code: answers(window, Measure(with_shape(code), {}), []) for code in SPECIAL}
    assert all(any(answer) for answer in wanted.values())
    monkeypatch.setattr(levels, "is_served", lambda *_: False)
    assert levels_before(window, Measure(with_shape("storage"), {})) == {}


def test_a_level_set_long_before_is_found_by_its_key(db: None) -> None:
    account = given_account(charges=CHARGES)
    for n, bucket in enumerate("abcde"):
        at = START + timedelta(days=n)
        send(
            event(
                type="storage.set", time=at.isoformat(), data={"gb": n + 1, "bucket": bucket, "tier": "hot"}
            )
        )
    window = Window(account, NOW - timedelta(hours=1), (NOW,))
    found = levels_before(window, Measure(with_shape("storage"), {"bucket": ["b", "e"]}))
    assert found == {("b", "hot"): 2, ("e", "hot"): 5}


@pytest.mark.parametrize("rebuilding", [False, True])
def test_many_writers_voids_and_a_rebuild_at_once(committed: str, rebuilding: bool) -> None:
    with installation_scope():
        account = given_account(charges=CHARGES, timezone="Europe/Paris")
    faults, barrier = list[BaseException](), threading.Barrier(4)
    chance = random.Random(3)
    events = [random_event(chance, str(n), "Europe/Paris") for n in range(240)]
    for one in events:  # of two days, so that writers meet
        at = datetime.fromisoformat(one["time"])
        one["time"] = (START + timedelta(days=at.day % 2, seconds=at.second * 1000)).isoformat()
    later = [{**one, "revision": 1, "voided": n % 2 == 0} for n, one in enumerate(events[::6])]

    def write(seed: int) -> None:
        mine = events + later
        random.Random(seed).shuffle(mine)
        try:
            barrier.wait()
            for start in range(0, len(mine), 20):
                send(*mine[start : start + 20])
        except BaseException as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[seed]) for seed in range(4)]
    for thread in threads:
        thread.start()
    while rebuilding and any(thread.is_alive() for thread in threads):
        rebuild(account=account)
    for thread in threads:
        thread.join()
    assert faults == []
    assert rebuild(check=True) == []
    with installation_scope():
        assert DayLevel.objects.filter(account=account).count() > 5
        with connection.cursor() as cursor:
            cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            assert cursor.fetchone()[0] == 0


CORRUPTED = [
    {"level": 99},
    {"moved": 1},
    {"last_at": START},
    {"first_at": START},
    {"day": START.date() + timedelta(days=3)},
]


@pytest.mark.parametrize("change", CORRUPTED)
@pytest.mark.parametrize("code", ["seats", "storage"])
def test_a_check_finds_a_wrong_level(db: None, code: str, change: dict[str, Any]) -> None:
    account = given_usage(1)
    chosen = DayLevel.objects.filter(account=account, meter__code=code).order_by("-day").first()
    assert chosen is not None
    DayLevel.objects.filter(pk=chosen.pk).update(**change)
    assert {each.meter for each in rebuild(check=True)} == {code}
    assert {each.meter for each in rebuild()} == {code}
    assert rebuild(check=True) == []


def test_a_check_finds_a_level_that_is_missing_or_one_too_many(db: None) -> None:
    account = given_usage(1)
    chosen = DayLevel.objects.filter(account=account, meter__code="storage").order_by("-day").first()
    assert chosen is not None
    DayLevel.objects.filter(pk=chosen.pk).delete()
    assert [(each.stored, each.meter) for each in rebuild(check=True)] == [(None, "storage")]
    chosen.day = START.date() - timedelta(days=90)
    chosen.save(force_insert=True)
    assert {each.counted is None for each in rebuild(check=True)} == {True, False}
    rebuild()
    assert rebuild(check=True) == []


def test_levels_of_another_day_than_the_key_are_not_touched(db: None) -> None:
    """A void leaves nothing of the only event of its day, and the level before it holds again."""
    account = given_account(charges=CHARGES)

    def put(id_: str, days: int, **fields: Any) -> None:
        at = (START + timedelta(days=days, hours=3)).isoformat()
        send(
            event(
                id=id_, type="storage.set", time=at, data={"gb": days, "bucket": "a", "tier": "hot"}, **fields
            )
        )

    window = Window(account, START, (NOW,))
    put("one", 3)
    put("two", 5)
    assert levels_before(window, Measure(with_shape("storage"), {})) == {("a", "hot"): 5}
    put("two", 5, revision=1, voided=True)
    assert levels_before(window, Measure(with_shape("storage"), {})) == {("a", "hot"): 3}
    assert DayLevel.objects.count() == 1


def test_an_upgrade_reads_right_before_and_after_totals_are_made(db: None) -> None:
    """What the migration finds: totals without levels, and without distinct values among their dimensions."""
    account = given_usage(2)
    asked = [(code, group_by) for code in SPECIAL for group_by in GROUPS[code]]

    def ask() -> list[Any]:
        return [
            usage_rows(account, Meter.objects.get(code=code), START, NOW, "day", by) for code, by in asked
        ]

    wanted = ask()
    as_before_the_migration()
    assert not any(
        serves(shape, shape.meter, ()) for shape in RollupShape.objects.filter(meter__code__in=SPECIAL)
    )
    assert ask() == wanted
    send(random_event(random.Random(5), "after", account.timezone))
    wanted = ask()
    assert {meter.code for meter in align_shapes()} == set(SPECIAL)
    assert ask() == wanted
    assert {meter.code for meter in sync_rollups()} == set(SPECIAL)
    assert all(
        serves(shape, shape.meter, ()) for shape in RollupShape.objects.filter(meter__code__in=SPECIAL)
    )
    assert ask() == wanted
    assert rebuild(check=True) == []
    assert sync_rollups() == []


def as_before_the_migration() -> None:
    """Levels of no day, and totals by priced dimensions alone; then what 0005_day_levels.py does."""
    DayLevel.objects.all().delete()
    for shape in RollupShape.objects.filter(meter__code__in=SPECIAL):
        shape.dimensions = shape.ready = shape.meter.priced_dimensions
        shape.save()
    by_old = rebuild_days()
    assert by_old
    migration = __import__("billing.usage.migrations.0005_day_levels", fromlist=["NOT_READY"])
    with connection.cursor() as cursor:
        cursor.execute(migration.NOT_READY)


def rebuild_days() -> int:
    """Totals by the shapes as they are, as they were kept before."""
    from billing.usage import rebuild as module

    for account in Account.objects.all():
        for shape in RollupShape.objects.filter(meter__code__in=SPECIAL):
            for days in module._chunks(account, shape.meter):
                module._write(account, shape.meter, days)
    DayLevel.objects.all().delete()
    return DayTotal.objects.filter(meter__code__in=SPECIAL).count()
