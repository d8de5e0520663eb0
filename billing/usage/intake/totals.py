"""The sums that a batch adds to the day totals, gathered in memory, written once and in order."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec

from billing.usage.days import day_bounds
from billing.usage.intake.context import MeterShape, Place
from billing.usage.intake.placing import Share
from billing.usage.statements import Run, statement

encode_json: Final = msgspec.json.Encoder(decimal_format="number").encode

type Key = tuple[int, MeterShape, date, tuple[str | None, ...]]


class Countable(Protocol):
    """An event with its place, its time, and what it adds."""

    place: Place
    time: datetime
    found: list[Share]


@dataclass(slots=True)
class Totals:
    """Sums by (account, meter, local day, dimension values). Call it inside `exact()`."""

    sums: dict[Key, list[Any]] = field(default_factory=dict)
    """[events, total, maximum or None]"""

    touched: set[int] = field(default_factory=set)
    """The accounts of which anything was counted."""

    lowered: dict[Key, str] = field(default_factory=dict)
    """The keys whose maximum may have fallen, and the zone of their day."""

    def add_all(self, placed: Iterable[Countable]) -> None:
        """Count events."""
        for each in placed:
            self.add(each.place, each.time, each.found)

    def add(self, place: Place, time: datetime, found: list[Share]) -> None:
        """Count an event, also one that adds to no meter."""
        account_id, day, sums = place.account_id, place.day_of(time), self.sums
        self.touched.add(account_id)
        for meter, amount, dimensions in found:
            key = (account_id, meter, day, dimensions)
            kept = sums.get(key)
            if kept is None:
                sums[key] = [1, amount, amount if meter.has_maximum else None]
                continue
            kept[0] += 1
            kept[1] += amount
            if meter.has_maximum:
                kept[2] = amount if kept[2] is None else max(kept[2], amount)

    def take_back(self, place: Place, time: datetime, found: list[Share]) -> None:
        """Count an event no more."""
        day = place.day_of(time)
        for meter, amount, dimensions in found:
            key = (place.account_id, meter, day, dimensions)
            kept = self.sums.setdefault(key, [0, Decimal(0), None])
            kept[0] -= 1
            kept[1] -= amount
            if meter.has_maximum:
                self.lowered[key] = place.zone

    def as_json(self) -> str:
        """The sums as sql/store_events.sql reads them."""
        rows = [{**_row(key), "e": kept[0], "t": kept[1], "x": kept[2]} for key, kept in self.sums.items()]
        return encode_json(rows).decode()

    def lower(self, run: Run) -> None:
        """Find the maxima again that may have fallen, once the sums are added."""
        if self.lowered:
            lowered = [_with_bounds(key, zone) for key, zone in self.lowered.items()]
            run(statement("lower_maximum"), {"totals": encode_json(lowered).decode()})


def _with_bounds(key: Key, zone: str) -> dict[str, Any]:
    start, end = day_bounds(zone, key[2])
    return {**_row(key), "f": start, "u": end}


def _row(key: Key) -> dict[str, Any]:
    account_id, meter, day, values = key
    pairs = zip(meter.dimensions, values, strict=True)
    return {
        "a": account_id,
        "m": meter.meter_id,
        "d": day,
        "p": {name: value for name, value in pairs if value is not None},
    }
