"""Where a window is read from: whole local days from the day totals, stretches inside days from the events."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from billing.usage.days import day_bounds, day_of
from billing.usage.models import DayTotal
from billing.usage.reading.measures import Window


@dataclass(frozen=True, slots=True)
class DaySplit:
    """A window as whole local days, which day totals answer, and stretches inside days, which events answer.

    `edges`: of the partial days those that are cut once, with the rest before the window's start, or after the cut.
    One whose rest holds no event is as good as whole: a plan's first day, and today.
    """

    first: date
    last: date
    cut_days: tuple[date, ...]
    partial: tuple[date, ...]
    stretches: tuple[tuple[datetime, datetime], ...]
    edges: tuple[tuple[date, datetime, datetime], ...] = ()

    def parameters(self) -> dict[str, Any]:
        """As queries are given it."""
        return {
            "first": self.first,
            "last": self.last,
            "cut_days": list(self.cut_days),
            "partial": list(self.partial),
            "starts": [start for start, _ in self.stretches],
            "ends": [end for _, end in self.stretches],
            "edge_days": [day for day, _, _ in self.edges],
            "edge_starts": [start for _, start, _ in self.edges],
            "edge_ends": [end for _, _, end in self.edges],
        }


DAY: Final = timedelta(days=1)

BATCH_SPAN: Final = timedelta(seconds=1)
"""More than lies between a batch's arrival, which its totals carry, and that of its last event."""

STRETCHES = "unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS s(f, u)"
"""The stretches as a table."""


def by_days(window: Window) -> DaySplit:
    """Days whose totals hold more than had arrived by the instant that the window asks about are read from events."""
    return split(window, window.zone, _grown_since(window, window.zone))


def by_events(window: Window) -> DaySplit:
    """All of it from events."""
    day = window.start.date()
    return DaySplit(day, day, (day,), (), ((window.start, window.end),))


def split(window: Window, zone: str, by_events: Iterable[date] = ()) -> DaySplit:
    """By the days of the zone that the account's totals are kept in; the days `by_events` are not read from totals."""
    days = [day_of(zone, instant) for instant in (window.start, *window.cuts)]
    kept, inside = set(by_events), _cuts_inside(window, zone)
    partial = kept | inside.keys()
    stretches = []
    for day in sorted(partial):
        start, end = day_bounds(zone, day)
        stretches.append((max(start, window.start), min(end, window.end)))
    edges = tuple(edge for edge in _edges(window, zone) if edge[0] not in kept)
    # A day that a cut lies in, if its total answers, lies before the cut.
    cut_days = tuple(
        day + DAY * (cut in inside.get(day, ())) for day, cut in zip(days[1:], window.cuts, strict=True)
    )
    return DaySplit(days[0], days[-1], cut_days, tuple(sorted(partial)), tuple(stretches), edges)


def _edges(window: Window, zone: str) -> Iterator[tuple[date, datetime, datetime]]:
    """The days with one cut inside, and the rest that holds nothing if the totals are to answer."""
    for day, inside in _cuts_inside(window, zone).items():
        if len(inside) == 1:
            start, end = day_bounds(zone, day)
            yield (day, start, inside[0]) if inside[0] == window.start else (day, inside[0], end)


def _cuts_inside(window: Window, zone: str) -> dict[date, list[datetime]]:
    found = defaultdict[date, list[datetime]](list)
    for instant in (window.start, *window.cuts):
        day = day_of(zone, instant)
        if day_bounds(zone, day)[0] != instant:
            found[day].append(instant)
    return found


def _grown_since(window: Window, zone: str) -> list[date]:
    if window.arrived_by is None:
        return []
    later = window.arrived_by - BATCH_SPAN
    totals = DayTotal.objects.filter(account=window.account, arrived_at__gt=later)
    around = (window.start.date() - timedelta(days=1), window.end.date() + timedelta(days=1))
    return [
        day
        for day in totals.filter(day__range=around).values_list("day", flat=True).distinct()
        if day_bounds(zone, day)[0] < window.end and day_bounds(zone, day)[1] > window.start
    ]
