"""The events behind a usage line, each with what it cost."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

from billing.plans.models import Period
from billing.pricing.charges import NO_USAGE, Charge, Usage
from billing.pricing.lines import EXACT_PLACES
from billing.pricing.money import ZERO, exact, round_fraction_places
from billing.pricing.price import Priced, price
from billing.usage.days import MICROSECOND, microseconds
from billing.usage.reading.counted import counted_for, is_matched
from billing.usage.reading.levels import level_steps, levels_after
from billing.usage.reading.measures import Dimensions, Measure, Window, meters_by_code
from billing.usage.reading.pages import COLUMNS, MAX_PAGE, EventDetail, Position, fetch
from billing.usage.reading.special import parameters_of, seen_before
from billing.usage.reading.upto import usage_upto
from billing.usage.values import number_of, text_of

MAX_TIES: Final = 100_000
"""Events of one microsecond that a page may begin among."""


@dataclass(frozen=True, slots=True)
class LineEvent:
    """An event, what it added to the line's quantity, and by how much the price rose, exactly, when it came."""

    event: EventDetail
    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class PricedEvent:
    """A `LineEvent` with the price of the period's usage before it and with it."""

    row: LineEvent
    before: Priced
    upto: Priced


@exact()
def events_of_line(  # noqa: PLR0917
    period: Period,
    charge: Charge,
    start: datetime,
    end: datetime,
    after: Position | None = None,
    limit: int = 50,
    *,
    within: tuple[datetime, datetime] | None = None,
) -> tuple[tuple[LineEvent, ...], Position | None]:
    """The events of [start, end), a stretch of `period`, that `charge` prices, in time order; and where to go on.

    `within`: only those of a part of it, at the same costs.

    Costs are differences of the price of the whole period so far, so they sum to the line's exact amount: with tiers
    the same event costs more later on. A level over time costs what its step holds until `end`; what was held
    since before the period is no event's.
    """
    meter = meters_by_code()[charge.meter]
    limit = min(max(limit, 1), MAX_PAGE)
    measure = Measure(meter, charge.where)
    first, last = within or (start, end)
    found = _events(period, measure, max(first, start), min(last, end), after, limit + 1)
    page = found[:limit]
    if not page:
        return (), None
    running = _Running(period, measure, charge, end, page[0].time)
    running.take(_events(period, measure, page[0].time, page[0].time + MICROSECOND, None, MAX_TIES), page[0])
    rows, cost = [], price(charge, running.usage).exact
    for event in page:
        quantity = running.add(event)
        total = price(charge, running.usage).exact
        rows.append(LineEvent(event, quantity, total - cost))
        cost = total
    return tuple(rows), page[-1].position if len(found) > limit else None


@exact()
def event_on_charges(
    period: Period, charges: Sequence[Charge], end: datetime, event: EventDetail, usage: Mapping[str, Usage]
) -> list[PricedEvent]:
    """One event that `charges` price, by each as `events_of_line` has it for a stretch up to `end`.

    `usage`: what each of them had been used of before the event's instant; of levels over time it is not looked at.
    """
    meters, ties, found = meters_by_code(), _at_the_instant_of(period, event), list[PricedEvent]()
    for charge in charges:
        measure = Measure(meters[charge.meter], charge.where)
        running = _Running(period, measure, charge, end, event.time, usage.get(charge.code, NO_USAGE))
        running.take((one for one in ties if _is_counted(one, measure)), event)
        before = price(charge, running.usage)
        quantity = running.add(event)
        upto = price(charge, running.usage)
        found.append(PricedEvent(LineEvent(event, quantity, upto.exact - before.exact), before, upto))
    return found


def _is_counted(event: EventDetail, measure: Measure) -> bool:
    return bool(counted_for(event, [measure.meter])) and is_matched(event, measure.where)


def _at_the_instant_of(period: Period, event: EventDetail) -> list[EventDetail]:
    """The events of its type and microsecond, itself among them, in order."""
    return fetch(
        f"""SELECT {COLUMNS} FROM usage_event e
            WHERE e.account_id = %(account)s AND e.type = %(type)s AND e."time" = %(time)s AND NOT e.voided
            ORDER BY e.received_at, e.source, e.event_id LIMIT %(limit)s""",
        {"account": period.account_id, "type": event.type, "time": event.time, "limit": MAX_TIES},
    )


def _events(  # noqa: PLR0917
    period: Period, measure: Measure, start: datetime, end: datetime, after: Position | None, limit: int
) -> list[EventDetail]:
    parameters = parameters_of(Window(period.account, start, (end,)), measure)
    time, received, source, id_ = after or (start, None, None, None)
    behind = (
        """AND (e."time", e.received_at, e.source, e.event_id)
        > (%(from)s, %(received)s, %(source)s, %(id)s)"""
        if after
        else ""
    )
    parameters |= {"from": time, "received": received, "source": source, "id": id_, "limit": limit}
    usable = {"count": "", "unique": "AND usage_text(e.data -> %(value)s::text) <> ''"}
    quantity = "AND usage_number(e.data -> %(value)s::text) IS NOT NULL"
    return fetch(
        f"""SELECT {COLUMNS} FROM usage_event e
            WHERE e.account_id = %(account)s AND e.type = %(type)s AND e."time" >= %(from)s AND e."time" < %(end)s
              AND NOT e.voided AND usage_matches(e.data, %(filter)s::jsonb)
              {usable.get(measure.meter.aggregation, quantity)} {behind}
            ORDER BY e."time", e.received_at, e.source, e.event_id LIMIT %(limit)s""",
        parameters,
    )


class _Running:
    """The usage of the period, event by event; what lies before `instant`, the first one's, is asked for once, unless
    it is given.
    """

    def __init__(  # noqa: PLR0917
        self,
        period: Period,
        measure: Measure,
        charge: Charge,
        end: datetime,
        instant: datetime,
        usage: Usage | None = None,
    ) -> None:
        self.measure, self.charge, self.end = measure, charge, end
        self.kind, self.value = measure.meter.aggregation, measure.meter.value
        self.length = microseconds(period.full_end) - microseconds(period.full_start)
        self.levels, self.seen = dict[Dimensions, Decimal](), set[str]()
        before = Window(period.account, period.start, (instant,))
        if self.kind == "time_weighted":
            self.usage = self._held(before)
        else:
            self.usage = self._upto(period, instant) if usage is None else usage
        if self.kind == "unique":
            self.seen = seen_before(before, measure)

    def take(self, ties: Iterable[EventDetail], first: EventDetail) -> None:
        """Those of the instant that stand before the first one."""
        for event in ties:
            if event.position < first.position:
                self.add(event)

    def add(self, event: EventDetail) -> Decimal:
        """Take the event in; what it added to the quantity."""
        before, value = self.usage.quantity, number_of(event.data.get(self.value))
        amount = Decimal(1) if self.kind == "count" or value is None else value
        if self.kind in ("count", "sum"):
            quantity = before + amount
        elif self.kind == "max":
            quantity = max(before, amount)
        elif self.kind == "unique":
            quantity = before + self._first_time(event)
        elif self.kind == "latest":
            quantity = amount
        else:
            quantity = before + self._step(event, amount)
        singles = (*self.usage.amounts, amount) if self.charge.model == "percentage" else ()
        self.usage = Usage(quantity, singles)
        return quantity - before

    def _first_time(self, event: EventDetail) -> Decimal:
        item = text_of(event.data.get(self.value)) or ""
        if item in self.seen:
            return ZERO
        self.seen.add(item)
        return Decimal(1)

    def _step(self, event: EventDetail, level: Decimal) -> Decimal:
        series = tuple(text_of(event.data.get(name)) for name in self.measure.meter.dimensions)
        step = level - self.levels.get(series, ZERO)
        self.levels[series] = level
        held = Fraction(step) * (microseconds(self.end) - microseconds(event.time))
        return round_fraction_places(held / self.length, EXACT_PLACES)

    def _upto(self, period: Period, instant: datetime) -> Usage:
        if instant <= period.start:
            return NO_USAGE
        found = usage_upto(
            period.account, period.start, [instant], [self.charge], period.full_start, period.full_end
        )
        return found[instant].get(self.charge.code, NO_USAGE)

    def _held(self, before: Window) -> Usage:
        """What levels set before hold until the end."""
        steps = level_steps(before, self.measure, self.measure.meter.dimensions)
        self.levels = levels_after(steps)
        held = sum((step * microseconds(self.end) - moved for _, _, step, moved in steps), ZERO)
        return Usage(round_fraction_places(Fraction(held) / self.length, EXACT_PLACES))
