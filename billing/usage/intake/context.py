"""What intake must know to place a batch: the clock, the accounts with their zones and periods, the meters.

Read after the intake locks are shared, so that a period which is being closed is either still open for all of the
batch or seen as closed.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import connection

from billing.usage import locks
from billing.usage.days import day_bounds, day_of
from billing.usage.values import READERS

MAX_AHEAD: Final = timedelta(minutes=5)
"""How far an event's time may lie ahead of the database's clock (contract, section 4)."""


@dataclass(frozen=True, slots=True, eq=False)
class MeterShape:
    """A meter's rollup shape (billing/usage/models.py), one object for each meter of a context.

    `read`: what a property is worth to the meter; None: it skips the event.
    """

    meter_id: int
    aggregation: str
    value: str
    dimensions: tuple[str, ...]
    read: Callable[[object], Decimal | None]
    has_maximum: bool


@dataclass(slots=True)
class Place:
    """An account as intake sees it. `periods`: (start, end, closed), in order.

    `running_to`: the end of the last stored period of a running subscription that goes on after it.
    """

    account_id: int
    zone: str
    periods: list[tuple[datetime, datetime, bool]] = field(default_factory=list)
    running_to: datetime | None = None
    new_zone: bool = False
    last_day: tuple[datetime, datetime, date] | None = None

    def day_of(self, instant: datetime) -> date:
        """The local day of an instant; events of a batch are mostly of one day."""
        if self.last_day is None or not self.last_day[0] <= instant < self.last_day[1]:
            day = day_of(self.zone, instant)
            self.last_day = (*day_bounds(self.zone, day), day)
        return self.last_day[2]


@dataclass(slots=True)
class Context:
    now: datetime
    places: dict[str, Place]
    meters: dict[str, list[MeterShape]]
    unaligned: bool = False
    behind: list[int] = field(default_factory=list)
    """Accounts whose next period has begun and is not stored yet."""


def load_context(subjects: Iterable[str], types: Iterable[str], own_account_id: int | None) -> Context:
    """The context of a batch; inside the transaction that stores it. An own account is the only one seen."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, code, timezone FROM accounts_account WHERE code = ANY(%s) AND (%s::bigint IS NULL OR id = %s)",
            [list(subjects), own_account_id, own_account_id],
        )
        accounts = cursor.fetchall()
    locks.share_intake([row[0] for row in accounts])
    now, zones = _clock_and_zones([row[0] for row in accounts])
    places = {
        code: Place(id_, zones.get(str(id_), zone), new_zone=str(id_) not in zones)
        for id_, code, zone in accounts
    }
    context = Context(now, places, {})
    _load_meters(context, list(types))
    if places:
        _load_periods(context, {place.account_id: place for place in places.values()})
    return context


def clock() -> datetime:
    """The database's clock, by which events arrive: the same for every process."""
    return _clock_and_zones([])[0]


def _clock_and_zones(account_ids: list[int]) -> tuple[datetime, dict[str, str]]:
    """Now, and the zones that the accounts' day totals are kept in."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT clock_timestamp(), (SELECT jsonb_object_agg(account_id, timezone)::text
               FROM usage_rollupzone WHERE account_id = ANY(%s))""",
            [account_ids],
        )
        now, zones = cursor.fetchone()
        return now, json.loads(zones) if zones else {}


def _load_meters(context: Context, types: list[str]) -> None:
    """By event type; `unaligned` if a meter has no shape, or another than its own words."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT m.id, s.event_type, s.aggregation, s.value, s.dimensions,
                      (s.event_type, s.aggregation, s.value) = (m.event_type, m.aggregation, m.value)
               FROM plans_meter m LEFT JOIN usage_rollupshape s ON s.meter_id = m.id
               WHERE m.event_type = ANY(%s) OR s.event_type = ANY(%s) ORDER BY m.id""",
            [types, types],
        )
        for meter_id, event_type, aggregation, value, dimensions, aligned in cursor.fetchall():
            if not aligned:
                context.unaligned = True
                continue
            kept = json.loads(dimensions) if isinstance(dimensions, str) else dimensions
            shape = MeterShape(
                meter_id, aggregation, value, tuple(kept), READERS[aggregation], aggregation == "max"
            )
            context.meters.setdefault(event_type, []).append(shape)


def _load_periods(context: Context, by_id: dict[int, Place]) -> None:
    """The accounts' periods, also of ended subscriptions; the last one's end tells whether it goes on."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT s.account_id, p.start, p."end", p.closed_at IS NOT NULL, s.canceled_at IS NULL,
                      s.started_at <= %s, EXISTS (SELECT FROM plans_scheduledchange c
                                                  WHERE c.subscription_id = s.id AND c.version_id IS NULL)
               FROM plans_subscription s LEFT JOIN plans_period p ON p.subscription_id = s.id
               WHERE s.account_id = ANY(%s) ORDER BY s.account_id, s.started_at, p.start""",
            [context.now, list(by_id)],
        )
        newest = dict[int, datetime | None]()
        for account_id, start, end, closed, running, begun, ends in cursor.fetchall():
            place = by_id[account_id]
            if start is not None:
                place.periods.append((start, end, closed))
            place.running_to = end if running and not ends else None
            # None: nothing to catch up with; a running subscription without a period is behind from its start.
            newest[account_id] = (end or (context.now if begun else None)) if running else None
        context.behind += [id_ for id_, end in newest.items() if end is not None and end <= context.now]
