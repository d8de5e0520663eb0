"""The chart of usage cost per day: two series as two paths of one SVG, from the days in the snapshot.

A page's style sheet does not reach into an SVG, so colours are attributes in the template. Lengths are in the
drawing's own units: 174 wide, as many as the page has millimetres.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from babel import Locale
from django.utils.translation import gettext as _

from billing.invoices.paper import days as written
from billing.invoices.paper.figures import Figures
from billing.pricing.money import ZERO

LEFT, RIGHT, FLOOR, HEIGHT = Decimal(9), Decimal(174), Decimal(22), Decimal("17.16")
STEPS: Final = (Decimal(1), Decimal(2), Decimal(5))
WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Label:
    x: str
    y: str
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Key:
    css: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws; `rules` are heights of grid lines, `left` where the plot begins."""

    title: str
    keys: tuple[Key, ...]
    first: str
    second: str
    rules: tuple[Label, ...]
    labels: tuple[Label, ...]
    peak: Label
    left: str


@dataclass(frozen=True, slots=True)
class _Day:
    day: date
    first: Decimal
    rest: Decimal

    @property
    def cost(self) -> Decimal:
        return self.first + self.rest


def chart_of(usage: Mapping[str, Any] | None, sums: Mapping[str, Decimal], figures: Figures) -> Chart | None:
    """The chart of the snapshot's usage; `sums` are the rounded lines by charge. None without any cost."""
    if not usage or not sums:
        return None
    dearest = max(sums, key=lambda code: sums[code])
    found = [_day(text, costs, dearest) for text, costs in usage["days"]]
    peak = max(found, key=lambda each: each.cost, default=None)
    if peak is None or peak.cost <= 0:
        return None
    rules = _rules(peak.cost)
    left = _left(rules, figures)
    slot = (RIGHT - left) / len(found)
    return Chart(
        title=_title(found, peak, figures),
        keys=_keys(dearest, sums, usage["names"], figures),
        first=_path([(each.first, ZERO) for each in found], peak.cost, left, slot),
        second=_path([(each.rest, each.first) for each in found], peak.cost, left, slot),
        rules=tuple(Label("0", f"{_y(rule, peak.cost):.2f}", figures.money_short(rule)) for rule in rules),
        labels=_labels(found, left, slot, figures.locale),
        peak=_peak(found.index(peak), peak, left, slot, figures),
        left=f"{left:.2f}",
    )


def _day(text: str, costs: Mapping[str, str], dearest: str) -> _Day:
    """Costs of a day that gave money back count as nothing in the drawing."""
    values = {code: max(Decimal(cost), ZERO) for code, cost in costs.items()}
    first = values.pop(dearest, ZERO)
    return _Day(date.fromisoformat(text), first, sum(values.values(), ZERO))


def _keys(
    dearest: str, sums: Mapping[str, Decimal], names: Mapping[str, str], figures: Figures
) -> tuple[Key, ...]:
    others = {code: amount for code, amount in sums.items() if code != dearest}
    first = Key("k1", f"{names.get(dearest, dearest)} {figures.money(sums[dearest])}")
    if not others:
        return (first,)
    name = names.get(next(iter(others)), "") if len(others) == 1 else _("everything else")
    return first, Key("k2", f"{name} {figures.money(sum(others.values(), ZERO))}")


def _title(found: Sequence[_Day], peak: _Day, figures: Figures) -> str:
    return _("Usage cost per day, %(span)s. Highest: %(day)s, %(amount)s.") % {
        "span": written.span(found[0].day, found[-1].day, figures.locale),
        "day": written.day(peak.day, figures.locale, year=False),
        "amount": figures.money(peak.cost),
    }


def _rules(highest: Decimal) -> tuple[Decimal, ...]:
    """One to four round amounts below the highest."""
    unit = Decimal(1).scaleb(highest.adjusted() - 1)
    step = next(s * unit * ten for ten in (1, 10) for s in STEPS if highest <= 4 * s * unit * ten)
    return tuple(step * n for n in range(1, 5) if step * n <= highest)


def _left(rules: Sequence[Decimal], figures: Figures) -> Decimal:
    """Room for the amounts beside the grid lines."""
    longest = max(len(figures.money_short(rule)) for rule in rules)
    return max(LEFT, Decimal(longest) * Decimal("1.75"))


def _y(value: Decimal, highest: Decimal) -> Decimal:
    return FLOOR - value / highest * HEIGHT


def _path(parts: Sequence[tuple[Decimal, Decimal]], highest: Decimal, left: Decimal, slot: Decimal) -> str:
    """Bars of (height, what they stand on), as one path."""
    width = max(slot - 1, slot * Decimal("0.75"))
    bars = []
    for place, (value, below) in enumerate(parts):
        tall = value / highest * HEIGHT
        if tall >= Decimal("0.005"):
            x = left + place * slot
            bars.append(f"M{x:.2f} {_y(below, highest):.2f}v{-tall:.2f}h{width:.2f}v{tall:.2f}z")
    return "".join(bars)


def _labels(found: Sequence[_Day], left: Decimal, slot: Decimal, locale: Locale) -> tuple[Label, ...]:
    """The first day by its name, days a week apart by their number, the last one at the right."""
    every = WEEK if len(found) <= 5 * WEEK else max(WEEK, len(found) // 4)
    short = len(found) <= 5 * WEEK
    labels = []
    for place in range(0, len(found), every):
        each, x = found[place], left + place * slot
        if not place:
            labels.append(Label(f"{x:.2f}", "25.6", written.day(each.day, locale, year=False)))
        elif place <= len(found) - 4 * max(1, every // WEEK):
            text = str(each.day.day) if short else written.day(each.day, locale, year=False)
            labels.append(Label(f"{x:.2f}", "25.6", text))
    if len(found) > 1:
        text = str(found[-1].day.day) if short else written.day(found[-1].day, locale, year=False)
        labels.append(Label(f"{RIGHT}", "25.6", text, "end"))
    return tuple(labels)


def _peak(place: int, peak: _Day, left: Decimal, slot: Decimal, figures: Figures) -> Label:
    """The highest day's amount over its bar, kept inside the drawing."""
    text = figures.money(peak.cost)
    x = left + (place + Decimal("0.4")) * slot
    half = Decimal(len(text)) * Decimal("0.8")
    anchor, x = ("end", RIGHT) if x + half > RIGHT else ("middle", max(x, left + half))
    return Label(f"{x:.2f}", "3.64", text, anchor)
