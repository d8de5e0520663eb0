"""Making day totals and levels anew from events, or comparing the two, account by account, while intake goes on.

A month of days of an account and meter is one short transaction that holds the account's intake
(billing/usage/locks.py), so what is written is exactly what events say, and what comes after adds to it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import batched
from typing import Any, Final

from django.db import connection
from django.db.models import F, Max, Min

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.plans.models import Meter
from billing.usage import locks
from billing.usage.days import day_bounds, day_of
from billing.usage.intake.totals import encode_json
from billing.usage.models import DayLevel, DayTotal, Event, PurgedSpan, RollupShape, RollupZone
from billing.usage.retention import purged_days
from billing.usage.shapes import LEVELLED, SUMMED, WORDS, align_shapes
from billing.usage.statements import statement


@dataclass(frozen=True, slots=True)
class Difference:
    """A day total or level that is not what its events say; None where one of them has no such row."""

    account: str
    meter: str
    day: str
    dimensions: str
    stored: str | None
    counted: str | None


type Progress = Callable[[str, float], None]
"""Is told what is counted now, and how much of the whole is done, from 0 to 1."""

CHUNK_DAYS: Final = 31
"""Days that one transaction counts, while the account's intake waits."""

type Days = tuple[date, ...]

type Rows = list[dict[tuple[str, str], str]]
"""For each kind of total, the text of its rows by (day, dimensions)."""


def rebuild(
    account: Account | None = None,
    meter: Meter | None = None,
    check: bool = False,
    progress: Progress | None = None,
) -> list[Difference]:
    """Rebuild the totals of all accounts and meters, or of one; `check`: only compare. Gives what was different.

    Days whose raw events are no longer kept stay as they are, and are not compared: nothing is left to do it by.
    Totals then follow the account's present time zone and the dimensions that charges filter on. Opens its own
    scopes, one transaction for each month of an account and meter; safe to run twice at once and to break off.
    """
    if not check:
        align_shapes()
    with installation_scope():
        accounts = list(Account.objects.order_by("pk") if account is None else [account])
        shapes = RollupShape.objects.select_related("meter").order_by("pk")
        chosen = list(shapes if meter is None else shapes.filter(meter=meter))
    if not check:
        for each in accounts:
            _follow_zone(each, [shape.meter for shape in chosen] if meter is None else None)
    steps = [(each, shape.meter) for each in accounts for shape in chosen]
    differences = list[Difference]()
    for step, (each, of) in enumerate(steps):
        with account_scope(each.pk):
            chunks = _chunks(each, of)
        for number, days in enumerate(chunks):
            if progress:
                progress(f"{each.code} · {of.code}", (step + number / len(chunks)) / len(steps))
            with account_scope(each.pk):
                locks.share_shapes()
                locks.hold_intake(each.pk)
                stored = _stored(each, of, days)
                if not check:
                    _write(each, of, days)
                wanted = _counted(each, of, days) if check else _stored(each, of, days)
                differences += _differences(each, of, stored, wanted)
    if not check and account is None:
        _mark_ready(chosen)
    return differences


def count_purged_days(account: Account | None = None) -> int:
    """Days, of all accounts or of one, that a rebuild leaves as they are."""
    with installation_scope():
        spans = PurgedSpan.objects.values_list("account_id", flat=True).distinct().order_by("account_id")
        chosen = Account.objects.filter(pk__in=spans if account is None else [account.pk])
        return sum(len(_purged(each)) for each in chosen)


def sync_rollups(meters: Iterable[Meter] | None = None) -> list[Meter]:
    """Bring totals in line after a catalogue was loaded or a version published; the meters that were rebuilt.

    Without `meters` all of them, and all accounts' time zones: for a worker's round. Reads are right before it too,
    only slower. Run it outside a transaction.
    """
    stale = align_shapes(meters)
    for meter in stale:
        rebuild(meter=meter)
    if meters is None:
        with installation_scope():
            zones = RollupZone.objects.exclude(timezone=F("account__timezone"))
            moved = [zone.account for zone in zones.select_related("account")]
        for account in moved:
            sync_zone(account)
    return stale


def sync_zone(account: Account) -> None:
    """Keep the account's totals by the days of its new time zone. Reads are right before it too, only slower."""
    rebuild(account=account)


def _follow_zone(account: Account, meters: list[Meter] | None) -> None:
    """Move the account's totals to its own time zone: all its meters in one transaction, as the zone is one."""
    with account_scope(account.pk):
        locks.share_shapes()
        locks.hold_intake(account.pk)
        zone = RollupZone.objects.filter(account=account).first()
        if (
            zone is None and Event.objects.filter(account=account).exists()
        ):  # lost, or never made: restored events
            RollupZone.objects.create(account=account, timezone=account.timezone)
        if zone is None or zone.timezone == account.timezone:
            return
        zone.timezone = account.timezone
        zone.save(update_fields=["timezone"])
        for meter in meters or [shape.meter for shape in RollupShape.objects.select_related("meter")]:
            for days in _chunks(account, meter):
                _write(account, meter, days)


def _chunks(account: Account, meter: Meter) -> list[Days]:
    """The days that have events or totals of the meter, and those between them, in chunks of a transaction."""
    zone = _zone(account)
    kind = RollupShape.objects.get(meter=meter).event_type
    span = Event.objects.filter(account=account, type=kind).aggregate(first=Min("time"), last=Max("time"))
    ends = list[date]()
    for model in (DayTotal, DayLevel):
        kept = model._default_manager.filter(account=account, meter=meter)
        found = kept.aggregate(first=Min("day"), last=Max("day"))
        ends += [found["first"], found["last"]] if found["first"] else []
    if span["first"]:
        ends += [day_of(zone, span["first"]), day_of(zone, span["last"])]
    if not ends:
        return []
    first, last = min(ends), max(ends)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return list(batched(days, CHUNK_DAYS, strict=False))


def _write(account: Account, meter: Meter, days: Days) -> None:
    days = _kept(account, days)
    for model in (DayTotal, DayLevel):
        model._default_manager.filter(account=account, meter=meter, day__in=days).delete()
    for counted, _, insert, _ in _kinds(meter):
        with connection.cursor() as cursor:
            cursor.execute(f"{counted} {insert}", _parameters(account, meter, days))


def _stored(account: Account, meter: Meter, days: Days) -> Rows:
    days = _kept(account, days)
    return [_rows(stored, [account.pk, meter.pk, list(days)]) for *_, stored in _kinds(meter)]


def _counted(account: Account, meter: Meter, days: Days) -> Rows:
    """What would be stored by what the events say; takes as long as writing it."""
    parameters = _parameters(account, meter, _kept(account, days))
    return [_rows(f"{counted} {show}", parameters) for counted, show, *_ in _kinds(meter)]


def _rows(sql: str, parameters: Any) -> dict[tuple[str, str], str]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return {(day, dimensions): text for day, dimensions, text in cursor.fetchall()}


def _differences(account: Account, meter: Meter, stored: Rows, wanted: Rows) -> Iterator[Difference]:
    for one, other in zip(stored, wanted, strict=True):
        for key in sorted(one.keys() | other.keys()):
            if one.get(key) != other.get(key):
                yield Difference(account.code, meter.code, *key, one.get(key), other.get(key))


_INSERT = """INSERT INTO usage_daytotal
        (account_id, meter_id, day, key, dimensions, events, total, maximum, arrived_at)
    SELECT %(account)s, %(meter)s, day, usage_key(dimensions), dimensions, events, total, maximum, arrived_at
    FROM counted"""
_TEXT = "events || ' events, total ' || trim_scale(total) || ', maximum ' || coalesce(trim_scale(maximum)::text, '-')"
_SHOW = f"SELECT day::text, dimensions::text, {_TEXT} FROM counted"
_STORED = f"""SELECT day::text, dimensions::text, {_TEXT} FROM usage_daytotal
    WHERE account_id = %s AND meter_id = %s AND day = ANY(%s) AND events <> 0"""
_LEVEL_TEXT = """'level ' || trim_scale(level) || ' by ' || concat_ws(' ', last_source, last_event_id, last_at,
    last_received_at) || ', first at ' || first_at || ', moved ' || trim_scale(moved)"""
_SHOW_LEVELS = f"SELECT d::text, p::text, {_LEVEL_TEXT} FROM folded"
_STORED_LEVELS = f"""SELECT day::text, dimensions::text, {_LEVEL_TEXT} FROM usage_daylevel
    WHERE account_id = %s AND meter_id = %s AND day = ANY(%s)"""


def _kinds(meter: Meter) -> Iterator[tuple[str, str, str, str]]:
    """What is kept of the meter: (how events say it, how that is shown, how it is written, what is stored)."""
    yield statement("count_days"), _SHOW, _INSERT, _STORED
    if RollupShape.objects.get(meter=meter).aggregation in LEVELLED:
        yield statement("fold_levels"), _SHOW_LEVELS, statement("keep_levels"), _STORED_LEVELS


def _kept(account: Account, days: Days) -> Days:
    """Those of the days whose raw events are all there."""
    purged = _purged(account)
    return tuple(day for day in days if day not in purged)


def _purged(account: Account) -> set[date]:
    """The days, in the zone of the totals, of which raw events are missing."""
    return purged_days(account.pk, _zone(account))


def _zone(account: Account) -> str:
    """The zone by whose days the totals are kept; before the first usage the account's own."""
    kept = RollupZone.objects.filter(account=account).values_list("timezone", flat=True).first()
    return kept or account.timezone


def _parameters(account: Account, meter: Meter, days: Days) -> dict[str, Any]:
    """Those of `count_days` and `fold_levels`, as shape and zone are now."""
    shape = RollupShape.objects.get(meter=meter)
    zone = _zone(account)
    bounds = [day_bounds(zone, day) for day in days]
    return {
        "account": account.pk,
        "meter": meter.pk,
        "type": shape.event_type,
        "aggregation": shape.aggregation,
        "value": shape.value,
        "dimensions": shape.dimensions,
        "days": list(days),
        "starts": [start for start, _ in bounds],
        "ends": [end for _, end in bounds],
        "touched": encode_json(
            [
                {"a": account.pk, "m": meter.pk, "d": day, "f": start, "u": end, "s": start}
                for day, (start, end) in zip(days, bounds, strict=True)
            ]
        ).decode(),
        "all": True,
    }


def _mark_ready(shapes: list[RollupShape]) -> None:
    """All accounts have been rebuilt: totals serve by the dimensions that the shape had when it began."""
    with installation_scope():
        for shape in shapes:
            locks.hold_shapes()
            now = RollupShape.objects.get(pk=shape.pk)
            words = WORDS if shape.aggregation in SUMMED else (*WORDS, "dimensions")
            same = all(getattr(now, word) == getattr(shape, word) for word in words)
            if same and now.ready != shape.dimensions:
                now.ready = shape.dimensions
                now.save(update_fields=["ready"])
