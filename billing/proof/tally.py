"""Usage of a period counted event by event: independent of day totals and of SQL, and in memory that does not grow.

What does grow is what the prices ask for: distinct values (`unique`), and the single amounts of a percentage.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

from billing.pricing.catalog import MeterDef
from billing.pricing.charges import Charge, Plan, Usage
from billing.pricing.lines import EXACT_PLACES
from billing.pricing.money import ZERO, exact, round_fraction_places
from billing.pricing.spans import Span
from billing.usage.days import microseconds
from billing.usage.values import number_of, text_of


class Event(NamedTuple):
    """An event as stored; numbers of `data` are int or Decimal."""

    type: str
    time: datetime
    data: Mapping[str, Any]


class Bounds(Protocol):
    """What is read of a period: where it starts, and the uncut period that it is part of."""

    @property
    def start(self) -> datetime: ...
    @property
    def full_start(self) -> datetime: ...
    @property
    def full_end(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch [start, end) of a period on one plan version, whose `meters` are by code."""

    plan: Plan
    meters: Mapping[str, MeterDef]
    start: datetime
    end: datetime
    share: Fraction


class PeriodTally:
    """A period's usage. `take` every event of it once, in the order of time and arrival, after those of levels that
    hold into it; then ask for the `spans`.
    """

    def __init__(self, period: Bounds, stretches: Sequence[Stretch]) -> None:
        self.period, self.stretches = period, stretches
        self._before = [self._tallies(one, one.start) for one in stretches]
        self._upto = [self._tallies(one, one.end) for one in stretches]
        self._by_type: dict[str, list[_Tally]] = {}
        for tallies in (*self._before, *self._upto):
            for tally in tallies.values():
                self._by_type.setdefault(tally.meter.event_type, []).append(tally)

    def _tallies(self, stretch: Stretch, until: datetime) -> dict[str, "_Tally"]:
        if until <= self.period.start:
            return {}
        return {
            charge.code: _Tally(charge, stretch.meters[charge.meter], self.period, until)
            for charge in stretch.plan.charges
        }

    def take_all(self, events: Iterable[Event]) -> None:
        with exact():
            for event in events:
                self.take(event)

    def take(self, event: Event) -> None:
        """Call it inside `exact()`."""
        for tally in self._by_type.get(event.type, ()):
            if event.time < tally.until:
                tally.take(event)

    @exact()
    def spans(self) -> tuple[Span, ...]:
        """What `rate` prices."""
        return tuple(
            Span(
                plan=stretch.plan,
                start=stretch.start,
                end=stretch.end,
                before={code: tally.usage() for code, tally in before.items()},
                upto={code: tally.usage() for code, tally in upto.items()},
                share=stretch.share,
            )
            for stretch, before, upto in zip(self.stretches, self._before, self._upto, strict=True)
        )

    def events_of(self, charge: str, start: datetime) -> int:
        """How many events of the stretch that begins at `start` a charge priced."""
        for stretch, before, upto in zip(self.stretches, self._before, self._upto, strict=True):
            if stretch.start == start and charge in upto:
                return upto[charge].events - (before[charge].events if charge in before else 0)
        return 0


@dataclass(slots=True)
class _Tally:
    """One charge's usage of a period, of events before `until`. `events` counts those inside the period."""

    charge: Charge
    meter: MeterDef
    period: Bounds
    until: datetime
    events: int = 0
    quantity: Decimal = ZERO
    moved: Decimal = ZERO
    amounts: list[Decimal] = field(default_factory=list)
    items: set[str] = field(default_factory=set)
    levels: dict[tuple[str | None, ...], Decimal] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        kind, start = self.charge.aggregation, self.period.start
        if (kind != "time_weighted" and event.time < start) or not self._matches(event):
            return
        found = event.data.get(self.meter.value or "")
        if kind == "unique":
            if item := text_of(found):
                self.items.add(item)
                self.events += 1
            return
        value = Decimal(1) if kind == "count" else number_of(found)
        if value is None:
            return
        self.events += event.time >= start
        self._add(kind, value, event)

    def _add(self, kind: str, value: Decimal, event: Event) -> None:
        if self.charge.model == "percentage":
            self.amounts.append(value)
        if kind == "time_weighted":
            series = tuple(text_of(event.data.get(name)) for name in self.meter.dimensions)
            step = value - self.levels.get(series, ZERO)
            self.levels[series] = value
            self.quantity += step
            self.moved += step * microseconds(max(event.time, self.period.start))
        elif kind == "latest" or (kind == "max" and (self.events == 1 or value > self.quantity)):
            self.quantity = value
        elif kind != "max":
            self.quantity += value

    def usage(self) -> Usage:
        kind = self.charge.aggregation
        if kind == "unique":
            return Usage(Decimal(len(self.items)))
        return Usage(self._held() if kind == "time_weighted" else self.quantity, tuple(self.amounts))

    def _held(self) -> Decimal:
        """The level integrated over the period up to `until`, over the length of the uncut period."""
        held = self.quantity * microseconds(self.until) - self.moved
        length = microseconds(self.period.full_end) - microseconds(self.period.full_start)
        return round_fraction_places(Fraction(held) / length, EXACT_PLACES)

    def _matches(self, event: Event) -> bool:
        return all(text_of(event.data.get(name)) in accepted for name, accepted in self.charge.where.items())
