"""The limit bar: what is used of the limit, ticks where the customer is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from portal.charts.marks import percent


@dataclass(frozen=True, slots=True)
class GaugeTick:
    """A threshold: its place, amount and what is known about it. The last one (100 %) is the limit itself."""

    x: str
    text: str
    sub: str
    at_limit: bool


@dataclass(frozen=True, slots=True)
class Gauge:
    used: str
    left: str
    stopped: bool
    ticks: tuple[GaugeTick, ...]


def gauge(
    used: Decimal,
    limit: Decimal,
    thresholds: Sequence[tuple[int, str, str]],
    limit_text: tuple[str, str],
    stopped: bool,
) -> Gauge:
    """`thresholds` are (percent, amount text, what is known); those at or above 100 are covered by the
    limit's own.

    Ticks closer than 18 % to the one on their right keep their mark and lose their text, so that no texts
    meet.
    """
    share = min(1.0, max(0.0, float(used / limit))) if limit > 0 else 1.0
    shown = list[GaugeTick]()
    right = 100
    for at, text, sub in sorted(thresholds, reverse=True):
        if not 0 < at < 100:
            continue
        readable = right - at >= 18 and at >= 12
        shown.append(GaugeTick(percent(at / 100), text if readable else "", sub if readable else "", False))
        right = at if readable else right
    shown.reverse()
    shown.append(GaugeTick("100%", limit_text[0], limit_text[1], True))
    return Gauge(percent(share), percent(1 - share), stopped, tuple(shown))
