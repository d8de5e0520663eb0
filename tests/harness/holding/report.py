"""What was measured, and which promises it keeps."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from tests.harness.holding.delays import Delays
from tests.harness.holding.goods import ZERO
from tests.harness.holding.rounds import Round

REFUSED_P95, MAILED_P95, RESUMED_MAX = 0.1, 5.0, 5.0
"""Seconds that are promised (issue of the limit)."""

BEYOND: Final = "invoices whose payable usage passes the limit"
OTHER: Final = "invoices that differ from the contract's arithmetic"
VERIFIED: Final = "differences found by verify"
LIES: Final = "allowances staler or newer than what was committed"
FAULTS: Final = "answers that nothing explains"
EXACT: Final = "overshoot with reservations, max"
UNUSED: Final = "with reservations, room for one more unit left"
REFUSED: Final = "event committed → refused, p95"
MAILED: Final = "event committed → mail handed over, p95"
RESUMED: Final = "raised → allowed again, max"
MAILS: Final = "mails more or fewer than firings"


@dataclass
class Report:
    """A run. `beyond`: by how much each invoice passes its limit. `good` if every promise is kept."""

    rounds: list[Round]
    delays: Delays
    beyond: list[Decimal] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.broken

    @property
    def broken(self) -> set[str]:
        return {name for name, (_, kept) in self.promises.items() if not kept}

    @cached_property
    def promises(self) -> dict[str, tuple[str, bool]]:
        """By name: the figure, and whether it is what is promised."""
        beyond = [one for one in self.beyond if one]
        exact = max(self._overshoots(reserved=True), default=ZERO)
        left = max((one.left for one in self.rounds if one.way == "reserve"), default=ZERO)
        times = self.delays
        p95, mailed, resumed = share(times.refused, 95), share(times.mailed, 95), share(times.resumed, 100)
        odd = abs(times.mails - len(times.refused)) + times.mails - times.ids
        none = {LIES: self.lies, FAULTS: self.faults, OTHER: self.differences, VERIFIED: self.unverified}
        return {
            BEYOND: (f"{len(beyond)}, by {max(beyond, default=ZERO)} at most", not beyond),
            **{name: (f"{len(found)}", not found) for name, found in none.items()},
            EXACT: (f"€{exact}", not exact),
            UNUSED: (f"€{left}", not left),
            REFUSED: (milliseconds(p95), p95 <= REFUSED_P95),
            MAILED: (milliseconds(mailed), mailed <= MAILED_P95),
            RESUMED: (milliseconds(resumed), resumed <= RESUMED_MAX),
            MAILS: (f"{odd}", not odd),
        }

    @cached_property
    def lies(self) -> list[str]:
        return [lie for one in self.rounds for lie in one.lies()]

    @property
    def faults(self) -> list[str]:
        return [fault for one in self.rounds for fault in one.notes.faults]

    @cached_property
    def figures(self) -> dict[str, str]:
        free = [one for one in self.rounds if one.way != "reserve"]
        held = [one for one in self.rounds if one.way == "reserve"]
        asked = [each.answered - each.at for one in free for each in one.notes.asked]
        reserved = [each.answered - each.at for one in held for each in one.notes.asked]
        stopped = [delay for one in free for delay in one.delays()]
        found = {
            "accounts, with reservations": f"{len(free)}, {len(held)}",
            "allowances asked, batches sent": f"{len(asked):,}, {_sent(free):,}",
            "reservations asked, committed": f"{len(reserved):,}, {_sent(held):,}",
            "given back, left to expire": f"{sum(one.notes.given_back for one in held):,}, "
            f"{sum(one.notes.left_to_expire for one in held):,}",
        }
        for way, words in (("ask", "no quantity"), ("quantity", "quantity asked")):
            over = [each for one in free if one.way == way for each in one.overshoots]
            found[f"overshoot, {words}"] = (
                f"p50 €{share(over, 50)}, max €{max(over, default=ZERO)} of {len(over)}"
            )
        waived = sum((one.usage - one.payable for one in self.rounds), ZERO)
        found["waived in all"] = f"€{waived}"
        timed = {
            "allowance, all senders asking": asked,
            "reservation, all senders asking": reserved,
            "limit reached → last sender refused": stopped,
            "event committed → refused": self.delays.refused,
            "event committed → mail handed over": self.delays.mailed,
            "raised → allowed again": self.delays.resumed,
        }
        return {**found, **{name: distribution(values) for name, values in timed.items()}}

    def lines(self) -> list[str]:
        rows = [f"{name:<54}{figure}" for name, figure in self.figures.items()]
        rows += [
            f"{name:<54}{figure}{'' if kept else '  BROKEN'}"
            for name, (figure, kept) in self.promises.items()
        ]
        told = (self.lies, self.faults, self.differences, self.unverified)
        return [*rows, *(line for found in told for line in found[:5])]

    def data(self) -> dict[str, Any]:
        free = [one for one in self.rounds if one.way != "reserve"]
        return {
            "good": self.good,
            "figures": self.figures,
            "promises": {
                name: {"figure": figure, "kept": kept} for name, (figure, kept) in self.promises.items()
            },
            "overshoots": {one.account: [str(each) for each in one.overshoots] for one in free},
            "seconds": vars(self.delays),
        }

    def _overshoots(self, reserved: bool) -> Iterable[Decimal]:
        for one in self.rounds:
            if (one.way == "reserve") == reserved:
                yield from one.overshoots


def share[Number: (Decimal, float)](values: Sequence[Number], percent: int) -> Number:
    """The value that so many percent do not pass (nearest rank). Without values: nothing was kept, so infinite."""
    if not values:
        return float("inf")  # type: ignore[return-value]
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def distribution(values: Sequence[float]) -> str:
    p50, p95, most = (milliseconds(share(values, percent)) for percent in (50, 95, 100))
    return f"p50 {p50}, p95 {p95}, max {most} of {len(values):,}"


def _sent(rounds: Iterable[Round]) -> int:
    return sum(len(one.notes.sent) for one in rounds)
