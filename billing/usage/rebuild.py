"""Making day totals anew from events, or comparing the two, account by account, while intake goes on.

Each account and meter is one short transaction that holds the account's intake (billing/usage/locks.py), so what is
written is exactly what events say, and what comes after adds to it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import F, Max, Min

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.plans.models import Meter
from billing.usage import locks
from billing.usage.days import MICROSECOND, day_bounds, days_between
from billing.usage.models import DayTotal, Event, PurgedSpan, RollupShape, RollupZone
from billing.usage.retention import purged_days
from billing.usage.shapes import align_shapes
from billing.usage.statements import statement


@dataclass(frozen=True, slots=True)
class Difference:
    """A day total that is not what its events say; None where one of them has no such row."""

    account: str
    meter: str
    day: str
    dimensions: str
    stored: str | None
    counted: str | None


type Progress = Callable[[Account, Meter], None]


def rebuild(
    account: Account | None = None,
    meter: Meter | None = None,
    check: bool = False,
    progress: Progress | None = None,
) -> list[Difference]:
    """Rebuild the totals of all accounts and meters, or of one; `check`: only compare. Gives what was different.

    Days whose raw events are no longer kept stay as they are, and are not compared: nothing is left to do it by.
    Totals then follow the account's present time zone and the dimensions that charges filter on. Opens its own
    scopes, one transaction for each account and meter; safe to run twice at once and to break off.
    """
    if not check:
        align_shapes()
    with installation_scope():
        accounts = list(Account.objects.order_by("pk") if account is None else [account])
        shapes = RollupShape.objects.select_related("meter").order_by("pk")
        chosen = list(shapes if meter is None else shapes.filter(meter=meter))
    differences = []
    for each in accounts:
        if not check:
            _follow_zone(each, [shape.meter for shape in chosen] if meter is None else None)
        for shape in chosen:
            if progress:
                progress(each, shape.meter)
            with account_scope(each.pk):
                locks.share_shapes()
                locks.hold_intake(each.pk)
                differences += list(_compare(each, shape.meter))
                if not check:
                    _write(each, shape.meter)
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
        if zone is None or zone.timezone == account.timezone:
            return
        zone.timezone = account.timezone
        zone.save(update_fields=["timezone"])
        for meter in meters or [shape.meter for shape in RollupShape.objects.select_related("meter")]:
            _write(account, meter)


def _write(account: Account, meter: Meter) -> None:
    DayTotal.objects.filter(account=account, meter=meter).exclude(day__in=_purged(account)).delete()
    for parameters in _months(account, meter):
        with connection.cursor() as cursor:
            cursor.execute(f"{statement('count_days')} {_INSERT}", parameters)


def _compare(account: Account, meter: Meter) -> Iterator[Difference]:
    counted = dict[tuple[str, str], str]()
    for parameters in _months(account, meter):
        with connection.cursor() as cursor:
            cursor.execute(f"{statement('count_days')} {_SHOW}", parameters)
            counted |= {(day, dimensions): text for day, dimensions, text in cursor.fetchall()}
    with connection.cursor() as cursor:
        cursor.execute(_STORED, [account.pk, meter.pk])
        stored = {(day, dimensions): text for day, dimensions, text in cursor.fetchall()}
    purged = {str(day) for day in _purged(account)}
    for key in sorted(counted.keys() | stored.keys()):
        day, dimensions = key
        if counted.get(key) != stored.get(key) and day not in purged:
            yield Difference(account.code, meter.code, day, dimensions, stored.get(key), counted.get(key))


_INSERT = """INSERT INTO usage_daytotal
        (account_id, meter_id, day, key, dimensions, events, total, maximum, arrived_at)
    SELECT %(account)s, %(meter)s, day, usage_key(dimensions), dimensions, events, total, maximum, arrived_at
    FROM counted"""
_TEXT = "events || ' events, total ' || trim_scale(total) || ', maximum ' || coalesce(trim_scale(maximum)::text, '-')"
_SHOW = f"SELECT day::text, dimensions::text, {_TEXT} FROM counted"
_STORED = f"""SELECT day::text, dimensions::text, {_TEXT} FROM usage_daytotal
    WHERE account_id = %s AND meter_id = %s AND events <> 0"""


def _purged(account: Account) -> set[date]:
    """The days, in the zone of the totals, of which raw events are missing."""
    zone = RollupZone.objects.filter(account=account).values_list("timezone", flat=True).first()
    return purged_days(account.pk, zone or account.timezone)


def _months(account: Account, meter: Meter) -> Iterator[dict[str, Any]]:
    """The parameters of `count_days`, for about a month of local days at a time."""
    shape = RollupShape.objects.get(meter=meter)
    zone = RollupZone.objects.filter(account=account).values_list("timezone", flat=True).first()
    span = Event.objects.filter(account=account, type=shape.event_type).aggregate(
        first=Min("time"), last=Max("time")
    )
    if zone is None or span["first"] is None:
        return
    purged = _purged(account)
    days = [day for day in days_between(zone, span["first"], span["last"] + MICROSECOND) if day not in purged]
    for n in range(0, len(days), 31):
        yield _parameters(account, shape, zone, days[n : n + 31])


def _parameters(account: Account, shape: RollupShape, zone: str, days: list[Any]) -> dict[str, Any]:
    bounds = [day_bounds(zone, day) for day in days]
    return {
        "account": account.pk,
        "meter": shape.meter_id,
        "type": shape.event_type,
        "aggregation": shape.aggregation,
        "value": shape.value,
        "dimensions": shape.dimensions,
        "days": days,
        "starts": [start for start, _ in bounds],
        "ends": [end for _, end in bounds],
    }


def _mark_ready(shapes: list[RollupShape]) -> None:
    """All accounts have been rebuilt: totals serve by the dimensions that the shape had when it began."""
    with installation_scope():
        for shape in shapes:
            locks.hold_shapes()
            now = RollupShape.objects.get(pk=shape.pk)
            same = (now.event_type, now.aggregation, now.value) == (
                shape.event_type,
                shape.aggregation,
                shape.value,
            )
            if same and now.ready != shape.dimensions:
                now.ready = shape.dimensions
                now.save(update_fields=["ready"])
