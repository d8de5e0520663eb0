"""Usage of a period read event by event in Python: a second reading, independent of day totals and of SQL."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection

from billing.plans.models import Period, PlanVersion
from billing.plans.queries import plan_terms, span_share, spans_in
from billing.pricing.charges import Charge, Usage
from billing.pricing.lines import EXACT_PLACES
from billing.pricing.money import ZERO, exact, round_fraction_places
from billing.pricing.rate import rate
from billing.pricing.spans import Span
from billing.usage.days import microseconds
from billing.usage.rating import RatedPeriod
from billing.usage.values import number_of, text_of

CHUNK = 5_000
"""Events fetched at a time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as stored."""

    type: str
    time: datetime
    data: Mapping[str, Any]


@exact()
def rated_from_events(period: Period, stored_by: datetime) -> RatedPeriod:
    """The whole period priced by `rate`, from the events that were stored by an instant."""
    spans = [_span(period, version, start, end, stored_by) for version, start, end in spans_in(period)]
    lines = rate(spans)
    total = sum((line.amount for line in lines if line.kind == "usage"), ZERO)
    return RatedPeriod(period, tuple(spans), lines, total, None)


def was_replaced(period: Period, after: datetime) -> bool:
    """Whether an event of the period was corrected or voided after an instant: what it said before is not kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT EXISTS (SELECT FROM usage_event WHERE account_id = %s AND received_at > %s
                              AND (revision > 0 OR voided) AND "time" < %s)""",
            [period.account_id, after, period.end],
        )
        return bool(cursor.fetchone()[0])


def _span(period: Period, version: PlanVersion, start: datetime, end: datetime, stored_by: datetime) -> Span:
    plan = plan_terms(version)
    tallies = {
        charge.code: _Tally(charge, version.terms["meters"][charge.meter], period, start, end)
        for charge in plan.charges
    }
    by_type: dict[str, list[_Tally]] = {}
    for tally in tallies.values():
        by_type.setdefault(tally.meter["event_type"], []).append(tally)
    for event in _events(period, by_type, end, stored_by):
        for tally in by_type[event.type]:
            tally.take(event)
    return Span(
        plan=plan,
        start=start,
        end=end,
        before={code: tally.usage(start) for code, tally in tallies.items()},
        upto={code: tally.usage(end) for code, tally in tallies.items()},
        share=span_share(period, start, end),
    )


def _events(period: Period, types: Iterable[str], end: datetime, stored_by: datetime) -> Iterator[Seen]:
    """In time order, then as they arrived; also those before the period, whose levels hold into it."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            """SELECT type, "time", data::text FROM usage_event
               WHERE account_id = %s AND type = ANY(%s) AND "time" < %s AND received_at <= %s AND NOT voided
               ORDER BY "time", received_at, source, event_id""",
            [period.account_id, list(types), end, stored_by],
        )
        while rows := cursor.fetchmany(CHUNK):
            for type_, time, data in rows:
                yield Seen(type_, time, json.loads(data, parse_float=Decimal))


@dataclass(slots=True)
class _Tally:
    """One charge's usage, event by event: what there was before `start`, and what there is up to `end`."""

    charge: Charge
    meter: Mapping[str, Any]
    period: Period
    start: datetime
    end: datetime
    values: list[tuple[datetime, Decimal]] = field(default_factory=list)
    items: dict[str, datetime] = field(default_factory=dict)
    levels: dict[tuple[str | None, ...], Decimal] = field(default_factory=dict)

    def take(self, event: Seen) -> None:
        kind = self.charge.aggregation
        if not self._matches(event) or (kind != "time_weighted" and event.time < self.period.start):
            return
        if kind == "unique":
            item = text_of(event.data.get(self.meter.get("value", "")))
            if item:
                self.items.setdefault(item, event.time)
            return
        value = Decimal(1) if kind == "count" else number_of(event.data.get(self.meter.get("value", "")))
        if value is None:
            return
        if kind == "time_weighted":
            series = tuple(text_of(event.data.get(name)) for name in self.meter.get("dimensions", ()))
            step = value - self.levels.get(series, ZERO)
            self.levels[series], value = value, step
        self.values.append((event.time, value))

    @exact()
    def usage(self, cut: datetime) -> Usage:
        """What there is in the period before `cut`."""
        if cut <= self.period.start:
            return Usage(ZERO)
        kind, values = self.charge.aggregation, [(t, v) for t, v in self.values if t < cut]
        plain = tuple(value for _time, value in values)
        amounts = plain if self.charge.model == "percentage" else ()
        if kind == "unique":
            return Usage(Decimal(sum(1 for first in self.items.values() if first < cut)))
        if kind == "time_weighted":
            return Usage(self._held(values, cut), amounts)
        if not plain:
            return Usage(ZERO)
        if kind in ("max", "latest"):
            return Usage(max(plain) if kind == "max" else plain[-1], amounts)
        return Usage(sum(plain, ZERO), amounts)

    def _matches(self, event: Seen) -> bool:
        return all(text_of(event.data.get(name)) in accepted for name, accepted in self.charge.where.items())

    def _held(self, steps: Sequence[tuple[datetime, Decimal]], cut: datetime) -> Decimal:
        """The level integrated over the period up to `cut`, over the length of the uncut period."""
        held = sum(
            (
                Fraction(step) * (microseconds(cut) - microseconds(max(time, self.period.start)))
                for time, step in steps
            ),
            Fraction(0),
        )
        length = microseconds(self.period.full_end) - microseconds(self.period.full_start)
        return round_fraction_places(held / length, EXACT_PLACES)
