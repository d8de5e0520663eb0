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
from billing.usage.statements import Run, statement, together

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

    touched: dict[int, str] = field(default_factory=dict)
    """The accounts of which anything was counted, and the zones of their days."""

    lowered: set[Key] = field(default_factory=set)
    """The keys whose maximum may have fallen."""

    levels: dict[Key, datetime] = field(default_factory=dict)
    """The keys whose level changed, and since when: by the earliest new event, or all day, if one was taken back."""

    def add_all(self, placed: Iterable[Countable]) -> None:
        """Count events."""
        for each in placed:
            self.add(each.place, each.time, each.found)

    def add(self, place: Place, time: datetime, found: list[Share]) -> None:
        """Count an event, also one that adds to no meter."""
        account_id, day, sums = place.account_id, place.day_of(time), self.sums
        self.touched[account_id] = place.zone
        for meter, amount, dimensions in found:
            key = (account_id, meter, day, dimensions)
            kept = sums.get(key)
            if kept is None:
                kept = sums[key] = [1, amount, None]
            else:
                kept[0] += 1
                kept[1] += amount
            if meter.more is None:
                continue
            if meter.more == "maximum":
                kept[2] = amount if kept[2] is None else max(kept[2], amount)
            else:
                self.levels[key] = min(self.levels.get(key, time), time)

    def take_back(self, place: Place, time: datetime, found: list[Share]) -> None:
        """Count an event no more."""
        day = place.day_of(time)
        for meter, amount, dimensions in found:
            key = (place.account_id, meter, day, dimensions)
            kept = self.sums.setdefault(key, [0, Decimal(0), None])
            kept[0] -= 1
            kept[1] -= amount
            if meter.more == "maximum":
                self.lowered.add(key)
            elif meter.more:
                self.levels[key] = day_bounds(place.zone, day)[0]

    def as_json(self) -> str:
        """The sums as sql/store_events.sql reads them."""
        rows = [{**_row(key), "e": kept[0], "t": kept[1], "x": kept[2]} for key, kept in self.sums.items()]
        return encode_json(rows).decode()

    def lower(self, run: Run) -> None:
        """Find the maxima again that may have fallen, once the sums are added."""
        if self.lowered:
            lowered = [self._with_bounds(key) for key in self.lowered]
            run(statement("lower_maximum"), {"totals": encode_json(lowered).decode()})

    def keep_levels(self) -> None:
        """Bring the levels up to date, once the sums are added: their rows' locks keep others from doing it too."""
        if self.levels:
            rows = [{**self._with_bounds(key), "s": since} for key, since in self.levels.items()]
            with together() as run:
                run(
                    f"{statement('fold_levels')} {statement('keep_levels')}",
                    {"touched": encode_json(rows).decode(), "all": False},
                )

    def _with_bounds(self, key: Key) -> dict[str, Any]:
        start, end = day_bounds(self.touched[key[0]], key[2])
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
