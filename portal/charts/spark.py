"""The little bars in a table row: decoration, hidden from screen readers."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from portal.charts.marks import HAIR

HEIGHT = 23.0
FLOOR = 24.0


@dataclass(frozen=True, slots=True)
class SparkBar:
    x: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Spark:
    width: str
    css: str
    bars: tuple[SparkBar, ...]


def spark(values: Sequence[Decimal], css: str) -> Spark:
    """One bar of 4 units every 5, the highest 23 high."""
    top = max(values, default=Decimal(0))
    bars = []
    for at, value in enumerate(values):
        height = max(0.0, float(value / top)) * HEIGHT if top > 0 else 0.0
        if height > HAIR:
            bars.append(SparkBar(str(at * 5), f"{FLOOR - height:.1f}", f"{height:.1f}"))
    return Spark(str(max(1, len(values)) * 5), css, tuple(bars))
