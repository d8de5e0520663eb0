"""The events behind a usage line, each with what it cost."""

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
from billing.usage.reading.levels import level_steps, levels_before
from billing.usage.reading.measures import Measure, Window, meters_by_code
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
    running = _Running(period, measure, charge, end, page[0])
    rows, cost = [], price(charge, running.usage).exact
    for event in page:
        quantity = running.add(event)
        total = price(charge, running.usage).exact
        rows.append(LineEvent(event, quantity, total - cost))
        cost = total
    return tuple(rows), page[-1].position if len(found) > limit else None


@exact()
def event_of_line(period: Period, charge: Charge, end: datetime, event: EventDetail) -> PricedEvent:
    """One event that `charge` prices, as `events_of_line` has it for a stretch up to `end`."""
    meter = meters_by_code()[charge.meter]
    running = _Running(period, Measure(meter, charge.where), charge, end, event)
    before = price(charge, running.usage)
    quantity = running.add(event)
    upto = price(charge, running.usage)
    return PricedEvent(LineEvent(event, quantity, upto.exact - before.exact), before, upto)


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
    """The usage of the period, event by event; what lies before the first one is asked for once."""

    def __init__(
        self, period: Period, measure: Measure, charge: Charge, end: datetime, first: EventDetail
    ) -> None:
        self.measure, self.charge, self.end = measure, charge, end
        self.kind, self.value = measure.meter.aggregation, measure.meter.value
        self.length = microseconds(period.full_end) - microseconds(period.full_start)
        self.usage = self._upto(period, first.time)
        ties = _events(period, measure, first.time, first.time + MICROSECOND, None, MAX_TIES)
        before = Window(period.account, period.start, (first.time,))
        self.seen = seen_before(before, measure) if self.kind == "unique" else set[str]()
        self.levels = levels_before(before, measure) if self.kind == "time_weighted" else {}
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
        if instant <= period.start and self.kind != "time_weighted":
            return NO_USAGE
        if self.kind != "time_weighted":
            charges = [self.charge]
            found = usage_upto(
                period.account, period.start, [instant], charges, period.full_start, period.full_end
            )
            return found[instant].get(self.charge.code, NO_USAGE)
        steps = level_steps(Window(period.account, period.start, (instant,)), self.measure)
        held = sum((step * microseconds(self.end) - moved for _, _, step, moved in steps), ZERO)
        return Usage(round_fraction_places(Fraction(held) / self.length, EXACT_PLACES))
