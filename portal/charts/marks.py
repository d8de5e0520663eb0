"""The marks that charts are made of, and the few rules that all of them share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

MAX_SERIES: Final = 5
OTHER: Final = "so"
# Of a day's width: the bar, and the gap on its left.
BAR_SHARE: Final = 0.76
BAR_OFFSET: Final = 0.12
# Bars lower than this cannot be seen.
HAIR: Final = 0.05


@dataclass(frozen=True, slots=True)
class Series:
    """A meter (or another group): its name, its class in the style sheet, its value in each column."""

    code: str
    name: str
    css: str
    values: tuple[Decimal, ...]

    @property
    def total(self) -> Decimal:
        return sum(self.values, Decimal(0))


@dataclass(frozen=True, slots=True)
class Bar:
    css: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A horizontal line with its value; the zero line is stronger."""

    css: str
    y: str
    text_y: str
    text: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text; `dx` moves it by pixels from a place in percent."""

    css: str
    x: str
    y: str
    text: str
    dx: str = "0"


def css_of(position: int) -> str:
    """The class of the series at `position`; from the sixth on, the hatched "Other"."""
    return f"s{position + 1}" if position < MAX_SERIES else OTHER


def fold(rows: Sequence[tuple[str, str, Sequence[Decimal]]], other: str) -> tuple[Series, ...]:
    """Series of (code, name, values): all, or the five dearest in their given order and the rest as
    `other`."""
    if len(rows) <= MAX_SERIES:
        return tuple(
            Series(code, name, css_of(at), tuple(values)) for at, (code, name, values) in enumerate(rows)
        )
    dearest = sorted(range(len(rows)), key=lambda at: sum(rows[at][2], Decimal(0)), reverse=True)[:MAX_SERIES]
    kept = [rows[at] for at in sorted(dearest)]
    rest = [rows[at][2] for at in range(len(rows)) if at not in dearest]
    summed = tuple(sum(column, Decimal(0)) for column in zip(*rest, strict=True))
    named = [Series(code, name, css_of(at), tuple(values)) for at, (code, name, values) in enumerate(kept)]
    return (*named, Series("", other, OTHER, summed))


def ticks(top: Decimal, most: int = 4) -> list[Decimal]:
    """Round values from zero up to `top`, at most `most` above zero: steps of 1, 2, 2.5 or 5 times a power of
    ten."""
    if top <= 0:
        return [Decimal(0)]
    power = Decimal(1).scaleb(top.adjusted() - 1)
    steps = (power * factor for factor in map(Decimal, ("1", "2", "2.5", "5", "10", "20", "25", "50", "100")))
    step = next(step for step in steps if top / step <= most)
    return [step * count for count in range(int(top / step) + 1)]


def grid(
    top: Decimal, base: float, height: float, text: Callable[[Decimal], str], most: int = 4
) -> tuple[Grid, ...]:
    """Lines for `ticks(top)` where zero lies at `base` and `top` is `height` pixels above it."""
    lines = []
    for value in ticks(top, most):
        y = base - float(value / top) * height if top > 0 else base
        lines.append(Grid("g" if value else "g0", pixels(y), pixels(y + 4), text(value)))
    return tuple(lines)


def stack(
    series: Sequence[Series], column: int, columns: int, base: float, scale: float
) -> tuple[list[Bar], float]:
    """The bars of one column from below, and the height at which they end."""
    bars, y = list[Bar](), base
    for one in series:
        height = max(0.0, float(one.values[column])) * scale
        if height < HAIR:
            continue
        y -= height
        x, width = slot(column, columns)
        bars.append(Bar(one.css, x, pixels(y), width, pixels(height)))
    return bars, y


def slot(column: int, columns: int) -> tuple[str, str]:
    """Left edge and width of a column's bar."""
    return percent((column + BAR_OFFSET) / columns), percent(BAR_SHARE / columns)


def middle(column: int, columns: int) -> str:
    return percent((column + 0.5) / columns)


def percent(share: float) -> str:
    return f"{share * 100:.2f}%"


def pixels(value: float) -> str:
    return f"{value:.1f}"
