"""How a period adds up: the running total with its forecast above, the cost of each day below, on one x
axis."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from portal.charts.marks import Bar, Grid, Label, Series, grid, middle, percent, pixels, slot, stack

TOTAL_BASE: Final = 246.0
TOTAL_HEIGHT: Final = 220.0
DAYS_BASE: Final = 420.0
DAYS_HEIGHT: Final = 98.0
AXIS_Y: Final = "438"
# A limit more than this many times the highest figure would flatten the curve; it is named, not drawn.
LIMIT_ROOM: Final = Decimal("2.5")


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """The running total at `x` days after the period's start: 80 and 95 of 100 cases lie between low and
    high."""

    x: float
    low95: Decimal
    low80: Decimal
    expected: Decimal
    high80: Decimal
    high95: Decimal


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit and its words; `crossing` is when the expected total meets it: days after the start, and its
    day."""

    amount: Decimal
    text: str
    sub: str
    crossing: tuple[float, str] | None = None


@dataclass(frozen=True, slots=True)
class Dot:
    x: str
    y: str


@dataclass(frozen=True, slots=True)
class TotalChart:
    days: str
    grid: tuple[Grid, ...]
    band95: str
    band80: str
    curve: str
    expected: str
    limit_y: str
    limit_text_y: str
    limit_text: str
    limit_sub: str
    now: Dot | None
    dots: tuple[Dot, ...]
    labels: tuple[Label, ...]
    bars: tuple[Bar, ...]
    partial: Bar | None


def running_total(
    series: Sequence[Series],
    days: Sequence[date],
    until: float,
    *,
    forecast: Sequence[ForecastPoint] = (),
    end_text: tuple[str, str] = ("", ""),
    limit: Limit | None = None,
    axis: Callable[[Decimal], str],
    exact: Callable[[Decimal], str],
    day: Callable[[date], str],
) -> TotalChart:
    """`series` hold the days begun so far; `days` all days of the period; `until` is now, in days after its
    start.

    `end_text` names the forecast's end. `axis`, `exact` and `day` write values, figures and the first day.
    """
    begun, count = len(series[0].values) if series else 0, len(days)
    totals = [sum((one.values[at] for one in series), Decimal(0)) for at in range(begun)]
    running = _running(totals, until)
    reached = running[-1][1]
    highest = max([reached, *(point.high95 for point in forecast)], default=Decimal(0))
    drawn_limit = limit if limit and limit.amount <= max(highest, Decimal(1)) * LIMIT_ROOM else None
    top = max(highest, drawn_limit.amount if drawn_limit else Decimal(0)) or Decimal(1)

    def y(value: Decimal) -> float:
        return TOTAL_BASE - max(0.0, float(value / top)) * TOTAL_HEIGHT

    chart_bars, partial, peak = _bars(series, totals, count, until)
    labels = [*_value_labels(running, count, y, exact, bool(forecast) or until < count), *peak(exact)]
    dots = list[Dot]()
    if drawn_limit and drawn_limit.crossing:
        dot, label = _crossing(drawn_limit.crossing, count, y(drawn_limit.amount))
        dots.append(dot)
        labels.append(label)
    if forecast and end_text[0]:
        labels += _end_labels(y(forecast[-1].expected), end_text)
    limit_at = y(drawn_limit.amount) if drawn_limit else 18.0
    return TotalChart(
        days=str(count),
        grid=(
            *grid(top, TOTAL_BASE, TOTAL_HEIGHT, axis),
            *grid(max(totals, default=Decimal(0)), DAYS_BASE, DAYS_HEIGHT, axis, most=3),
        ),
        band95=_band([(point.x, point.low95, point.high95) for point in forecast], y),
        band80=_band([(point.x, point.low80, point.high80) for point in forecast], y),
        curve=_line(running, y),
        expected=_line([(point.x, point.expected) for point in forecast], y),
        limit_y=pixels(limit_at) if drawn_limit else "",
        limit_text_y=pixels(max(12.0, limit_at - 8)),
        limit_text=limit.text if limit else "",
        limit_sub=limit.sub if limit else "",
        now=Dot(percent(until / count), pixels(y(reached))) if until < count else None,
        dots=tuple(dots),
        labels=(*labels, *_axis(days, day)),
        bars=tuple(chart_bars),
        partial=partial,
    )


def _crossing(crossing: tuple[float, str], count: int, at: float) -> tuple[Dot, Label]:
    """Where the forecast meets the limit, and its day; near the right edge the day stands to the left."""
    x, text = crossing
    edge, shift = ("end", "0") if x > count * 0.88 else ("mid", "10")
    dot = Dot(percent(x / count), pixels(at))
    return dot, Label(f"lab halo {edge}", percent(x / count), pixels(at + 22), text, shift)


def _running(totals: Sequence[Decimal], until: float) -> list[tuple[float, Decimal]]:
    """The total at the end of each day; the last day ends now."""
    points, reached = [(0.0, Decimal(0))], Decimal(0)
    for at, total in enumerate(totals):
        reached += total
        points.append((min(at + 1.0, until), reached))
    return points


def _bars(
    series: Sequence[Series], totals: Sequence[Decimal], count: int, until: float
) -> tuple[list[Bar], Bar | None, Callable[[Callable[[Decimal], str]], list[Label]]]:
    highest = max(totals, default=Decimal(0))
    scale = DAYS_HEIGHT / float(highest) if highest > 0 else 0.0
    bars, partial = list[Bar](), None
    for at in range(len(totals)):
        drawn, y = stack(series, at, count, DAYS_BASE, scale)
        bars += drawn
        if drawn and at < until < at + 1:
            x, width = slot(at, count)
            partial = Bar("partial", x, pixels(y), width, pixels(DAYS_BASE - y))

    def peak(exact: Callable[[Decimal], str]) -> list[Label]:
        if highest <= 0:
            return []
        at = totals.index(highest)
        edge = "mid" if 0 < at < count - 1 else ("end" if at else "start")
        return [
            Label(f"lab halo {edge}", middle(at, count), pixels(DAYS_BASE - DAYS_HEIGHT - 6), exact(highest))
        ]

    return bars, partial, peak


def _value_labels(
    running: Sequence[tuple[float, Decimal]],
    count: int,
    y: Callable[[Decimal], float],
    exact: Callable[[Decimal], str],
    labelled: bool,
) -> list[Label]:
    if not labelled:
        return []
    x, reached = running[-1]
    left = x < count * 0.2
    css, dx = ("lab halo", "10") if left else ("lab halo end", "-10")
    return [Label(css, percent(x / count), pixels(y(reached) - (8 if left else 2)), exact(reached), dx)]


def _end_labels(y: float, text: tuple[str, str]) -> list[Label]:
    """Beside the chart where there is room, else above its end."""
    return [
        Label("lab wide-only", "100%", pixels(y - 2), text[0], "10"),
        Label("wide-only", "100%", pixels(y + 13), text[1], "10"),
        Label("lab end narrow-only halo", "100%", pixels(max(10.8, y - 28)), f"{text[0]} {text[1]}"),
    ]


def _axis(days: Sequence[date], day: Callable[[date], str]) -> list[Label]:
    """The first day with its month, then about every fifth, and the last."""
    count = len(days)
    if not count:
        return []
    step = 5 if count <= 40 else -(-count // 7)
    marks = {0, count - 1} | {
        at for at in range(count) if (at + 1) % step == 0 and 2 <= at < count - step // 2 and at > step // 2
    }
    labels = []
    for at in sorted(marks):
        whole = at == 0 or count > 40 or days[at].month != days[0].month
        labels.append(Label("mid", middle(at, count), AXIS_Y, day(days[at]) if whole else str(days[at].day)))
    return labels


def _line(points: Sequence[tuple[float, Decimal]], y: Callable[[Decimal], float]) -> str:
    if len(points) < 2:
        return ""
    return "M" + " L".join(f"{x:.3f} {y(value):.1f}" for x, value in points)


def _band(points: Sequence[tuple[float, Decimal, Decimal]], y: Callable[[Decimal], float]) -> str:
    """Along the upper edge and back along the lower."""
    if len(points) < 2:
        return ""
    upper = [(x, high) for x, _, high in points]
    lower = [(x, low) for x, low, _ in reversed(points)]
    return "M" + " L".join(f"{x:.3f} {y(value):.1f}" for x, value in (*upper, *lower)) + "Z"
