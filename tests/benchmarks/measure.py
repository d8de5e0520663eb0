"""How a row is measured: product and yardstick in turn, so that a machine that drifts slows both."""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. `ratio` is what the gate is about (the value itself, where there is no yardstick).

    `product` and `yardstick` are in `unit`.
    `gate`: (">=" or "<=", bound); None: measured, no gate. `spread` is the least and the greatest ratio of a round.
    """

    name: str
    unit: str
    product: float
    yardstick: float | None
    ratio: float
    spread: tuple[float, float]
    gate: tuple[str, float] | None
    note: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the gate holds; None without one."""
        if self.gate is None:
            return None
        sign, bound = self.gate
        return self.ratio >= bound if sign == ">=" else self.ratio <= bound

    def as_data(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "product": self.product,
            "yardstick": self.yardstick,
            "ratio": self.ratio,
            "spread": list(self.spread),
            "gate": None if self.gate is None else " ".join(map(str, self.gate)),
            "passed": self.passed,
            "note": self.note,
        }


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(
    product: Callable[[int], float], yardstick: Callable[[int], float], rounds: int
) -> list[tuple[float, float]]:
    """(product, yardstick) of each round after a first one that is not counted; who goes first alternates."""
    found = []
    for number in range(rounds + 1):
        if number % 2:
            second = yardstick(number)
            first = product(number)
        else:
            first = product(number)
            second = yardstick(number)
        found.append((first, second))
    return found[1:]


def figure(
    name: str, unit: str, values: Iterable[float], gate: tuple[str, float] | None, note: str = ""
) -> Row:
    """The row of something measured by itself: the gate is about its median."""
    values = list(values)
    middle = statistics.median(values)
    return Row(name, unit, middle, None, middle, (min(values), max(values)), gate, note)


def row(
    name: str,
    unit: str,
    pairs: Iterable[tuple[float, float]],
    gate: tuple[str, float] | None,
    note: str = "",
) -> Row:
    """The row of pairs (product, yardstick): medians of each, and of the ratio product / yardstick by pair."""
    pairs = list(pairs)
    ratios = [product / yardstick for product, yardstick in pairs]
    return Row(
        name,
        unit,
        statistics.median(product for product, _ in pairs),
        statistics.median(yardstick for _, yardstick in pairs),
        statistics.median(ratios),
        (min(ratios), max(ratios)),
        gate,
        note,
    )
