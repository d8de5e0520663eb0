"""What intake must know to place a batch: the clock, the accounts with their zones and periods, the meters.

Read after the intake locks are shared, so that a period which is being closed is either still open for all of the
batch or seen as closed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

import msgspec
from django.db import connection

from accounts.scope import SET
from billing.usage import locks
from billing.usage.days import day_bounds, day_of
from billing.usage.shapes import LEVELLED
from billing.usage.statements import together
from billing.usage.values import READERS

MAX_AHEAD: Final = timedelta(minutes=5)
"""How far an event's time may lie ahead of the database's clock (contract, section 4)."""


type More = Literal["maximum", "level"] | None
_MORE: Final[dict[str, More]] = {"max": "maximum", **dict.fromkeys(LEVELLED, "level")}


@dataclass(frozen=True, slots=True, eq=False)
class MeterShape:
    """A meter's rollup shape (billing/usage/models.py), one object for each meter of a context.

    `read`: what a property is worth to the meter; None: it skips the event. `more`: what is kept beside sums.
    """

    meter_id: int
    aggregation: str
    value: str
    dimensions: tuple[str, ...]
    read: Callable[[object], Decimal | None]
    more: More


@dataclass(slots=True)
class Place:
    """An account as intake sees it. `periods`: (start, end, closed), in order.

    `running_to`: the end of the last stored period of a running subscription that goes on after it.
    `has_purged`: some of its identities may be known by their hashes only.
    """

    account_id: int
    zone: str
    periods: list[tuple[datetime, datetime, bool]] = field(default_factory=list)
    running_to: datetime | None = None
    new_zone: bool = False
    has_purged: bool = False
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

    latest: datetime = field(init=False)
    """The latest time that an event may have that arrives now."""

    def __post_init__(self) -> None:
        self.latest = self.now + MAX_AHEAD


def load_context(
    subjects: Iterable[str], types: Iterable[str], own_account_id: int | None, scope: str
) -> Context:
    """The context of a batch; inside the transaction that stores it, which is not in its `scope` yet. An own account
    is the only one seen.

    One round trip: the intake locks are shared first, and what is read after them sees what their last holder did.
    """
    values = {"subjects": list(subjects), "types": list(types), "own": own_account_id}
    with together() as run:
        run(SET, {"scope": scope})
        run(locks.SHARE_INTAKE, values)
        answer = run(_CONTEXT, values)
    now, accounts, meters, periods = _decode(answer.fetchall()[0][0])
    places = {
        code: Place(id_, kept or zone, new_zone=kept is None, has_purged=has_purged)
        for id_, code, zone, kept, has_purged in accounts or []
    }
    context = Context(now, places, {})
    _add_meters(context, meters or [])
    _add_periods(context, periods or [])
    return context


def load_meters(context: Context, types: Iterable[str]) -> None:
    """Add the meters of types that no event of the batch has: of events that are corrected to another type."""
    missing = sorted(set(types) - context.meters.keys())
    if missing:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT ({_METERS})::text", {"types": missing})
            _add_meters(context, _decode_meters(cursor.fetchone()[0] or "[]"))


def clock() -> datetime:
    """The database's clock, by which events arrive: the same for every process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


type _Account = tuple[int, str, str, str | None, bool]
type _Meter = tuple[int, str | None, str | None, str | None, tuple[str, ...] | None, bool | None]
type _Period = tuple[str, datetime | None, datetime | None, bool, bool, datetime, bool]

_decode: Final = msgspec.json.Decoder(
    tuple[datetime, list[_Account] | None, list[_Meter] | None, list[_Period] | None]
).decode

_METERS: Final = """
        SELECT json_agg(json_build_array(
            m.id, s.event_type, s.aggregation, s.value, s.dimensions,
            (s.event_type, s.aggregation, s.value) = (m.event_type, m.aggregation, m.value)) ORDER BY m.id)
        FROM plans_meter m LEFT JOIN usage_rollupshape s ON s.meter_id = m.id
        WHERE m.event_type = ANY(%(types)s) OR s.event_type = ANY(%(types)s)"""

_decode_meters: Final = msgspec.json.Decoder(list[_Meter]).decode

# The clock. Accounts, with the zone that their day totals are kept in, if there are any. Meters. Periods, also of ended
# subscriptions; the last period's end tells whether it goes on. One statement costs a third of four.
_CONTEXT: Final = f"""
    SELECT json_build_array(clock_timestamp(), (
        SELECT json_agg(json_build_array(
            a.id, a.code, a.timezone, z.timezone,
            EXISTS (SELECT FROM usage_purgedspan p WHERE p.account_id = a.id)))
        FROM accounts_account a
        LEFT JOIN usage_rollupzone z ON z.account_id = a.id WHERE {locks.CHOSEN}
    ), (
        {_METERS}
    ), (
        SELECT json_agg(json_build_array(
            a.code, p.start, p."end", p.closed_at IS NOT NULL, s.canceled_at IS NULL, s.started_at,
            EXISTS (SELECT FROM plans_scheduledchange c WHERE c.subscription_id = s.id AND c.version_id IS NULL))
            ORDER BY s.account_id, s.started_at, p.start)
        FROM accounts_account a JOIN plans_subscription s ON s.account_id = a.id
        LEFT JOIN plans_period p ON p.subscription_id = s.id
        WHERE {locks.CHOSEN}
    ))::text"""


def _add_meters(context: Context, rows: Iterable[_Meter]) -> None:
    """By event type; `unaligned` if a meter has no shape, or another than its own words."""
    for meter_id, event_type, aggregation, value, dimensions, aligned in rows:
        if not aligned or event_type is None or aggregation is None or value is None:
            context.unaligned = True
            continue
        read, more = READERS[aggregation], _MORE.get(aggregation)
        shape = MeterShape(meter_id, aggregation, value, dimensions or (), read, more)
        context.meters.setdefault(event_type, []).append(shape)


def _add_periods(context: Context, rows: Iterable[_Period]) -> None:
    newest = dict[int, datetime | None]()
    for code, start, end, closed, running, started_at, ends in rows:
        place = context.places[code]
        if start is not None and end is not None:
            place.periods.append((start, end, closed))
        place.running_to = end if running and not ends else None
        # None: nothing to catch up with; a running subscription without a period is behind from its start.
        begun = context.now if started_at <= context.now else None
        newest[place.account_id] = (end or begun) if running else None
    context.behind += [id_ for id_, end in newest.items() if end is not None and end <= context.now]
