"""Stacked bars by day (or week, month): the explorer's chart."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from portal.charts.marks import Bar, Grid, Label, Series, grid, middle, pixels, slot, stack

BASE: Final = 294.0
HEIGHT: Final = 270.0
# The dearest bar keeps room for its figure above it.
PEAK: Final = 229.0
TEXT_Y: Final = "312"
SUB_Y: Final = "328"
MAX_LABELS: Final = 31


@dataclass(frozen=True, slots=True)
class Column:
    """A column's text below the axis, a second line for wide screens, and whether it is still filling."""

    label: str
    sub: str = ""
    partial: bool = False


@dataclass(frozen=True, slots=True)
class BarChart:
    grid: tuple[Grid, ...]
    bars: tuple[Bar, ...]
    partial: Bar | None
    labels: tuple[Label, ...]
    ghosts: tuple[Bar, ...] = ()


def day_bars(  # noqa: PLR0917
    series: Sequence[Series],
    columns: Sequence[Column],
    axis: Callable[[Decimal], str],
    exact: Callable[[Decimal], str],
    before: Sequence[Decimal] = (),
    before_name: str = "",
) -> BarChart:
    """The chart; `axis` writes gridline values, `exact` the figure above the dearest column.

    `before`: what each column had the last time, drawn as an outline, the highest of which bears `before_name`.
    """
    count = len(columns)
    totals = [max(Decimal(0), sum((one.values[at] for one in series), Decimal(0))) for at in range(count)]
    peak = max(totals, default=Decimal(0))
    highest = max([peak, *before])
    top = highest * Decimal(HEIGHT) / Decimal(PEAK)
    scale = PEAK / float(highest) if highest else 0.0
    bars, labels, partial = list[Bar](), list[Label](), None
    for at, column in enumerate(columns):
        drawn, y = stack(series, at, count, BASE, scale)
        bars += drawn
        if column.partial and drawn:
            x, width = slot(at, count)
            partial = Bar("partial", x, pixels(y), width, pixels(BASE - y))
        if peak and totals[at] == peak and not any("lab" in one.css for one in labels):
            edge = "end" if at > count - 3 and count > 8 else "mid"
            labels.append(Label(f"lab halo {edge}", middle(at, count), pixels(y - 8), exact(peak)))
    labels += [*_axis_labels(columns), *_named(before, before_name, totals, scale)]
    outlines = tuple(_outline(at, count, value, scale) for at, value in enumerate(before) if value > 0)
    return BarChart(grid(top, BASE, HEIGHT, axis), tuple(bars), partial, tuple(labels), outlines)


def _outline(at: int, count: int, value: Decimal, scale: float) -> Bar:
    x, width = slot(at, count)
    height = float(value) * scale
    return Bar("ghost", x, pixels(BASE - height), width, pixels(height))


def _named(before: Sequence[Decimal], name: str, totals: Sequence[Decimal], scale: float) -> Iterator[Label]:
    """The name of what is outlined, above its highest column, where the dearest column's figure leaves room."""
    highest = max(before, default=Decimal(0))
    if not highest or not name:
        return
    at, count = list(before).index(highest), len(totals)
    y = BASE - float(max(highest, totals[at])) * scale
    dearest = totals.index(max(totals))
    lift = 24 if abs(dearest - at) * 6 <= count else 8
    edge = "end" if at > count * 0.8 else ("mid" if at > count * 0.2 else "start")
    yield Label(f"lab2 halo {edge}", middle(at, count), pixels(max(12.0, y - lift)), name)


def _axis_labels(columns: Sequence[Column]) -> list[Label]:
    """Every column where there is room, with the ones that stay on a phone; else every so many."""
    count, labels = len(columns), list[Label]()
    step = 1 if count <= MAX_LABELS else -(-count // 12)
    narrow = max(step, -(-count // 5))
    for at, column in enumerate(columns):
        if at % step:
            continue
        stays = at % narrow == 0 or count <= 5
        css = "mid" if stays else "mid minor"
        labels.append(Label(css, middle(at, count), TEXT_Y, column.label))
        if column.sub and step == 1:
            labels.append(Label("mid minor", middle(at, count), SUB_Y, column.sub))
    return labels
