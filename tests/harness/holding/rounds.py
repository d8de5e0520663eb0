"""A round: one account, used up to its limit by all senders at once, maybe raised once and used up again."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import accumulate
from typing import Final

import httpx

from tests.harness.holding.goods import CALLS, REGIONS, ZERO, Used, cost, open_account, set_limit, units_for
from tests.harness.holding.sending import SHORT_TTL, Asked, Notes, Senders, Sent, Task, Way

ALLOWANCES: Final[tuple[Way, ...]] = ("ask", "quantity")
RESERVATIONS: Final[tuple[Way, ...]] = ("reserve",)
LIMITS: Final = (4000, 8000)
RAISES: Final = (500, 3000)
"""Bounds of the limits, and of what a raise gives beyond what was spent, in cents."""
RUSH: Final = Decimal("0.6")
"""The share of the limit that all senders want at once: it is there for one of them."""


@dataclass(frozen=True)
class Leg:
    """All senders against one limit, until all are refused. `notes` are theirs, by sender; `begun` is what was used
    before it, by the senders' acknowledged events."""

    limit: Decimal
    begun: Used
    notes: tuple[Notes, ...]

    @property
    def used(self) -> Used:
        return sum((each.used for each in self.notes), self.begun)


@dataclass
class Round:
    """What happened to one account. Money by the contract, from what was acknowledged."""

    account: str
    plan: str
    way: Way
    legs: list[Leg] = field(default_factory=list)

    @property
    def usage(self) -> Decimal:
        return cost(self.plan, self.legs[-1].used)

    @property
    def limit(self) -> Decimal:
        return self.legs[-1].limit

    @property
    def payable(self) -> Decimal:
        """By the contract's rule: it grows with usage until it reaches the limit in force."""
        paid, before = ZERO, ZERO
        for leg in self.legs:
            usage = cost(self.plan, leg.used)
            paid += min(usage - before, max(ZERO, leg.limit - paid))
            before = usage
        return paid

    @property
    def overshoots(self) -> list[Decimal]:
        """By leg: what was let through beyond the limit."""
        return [max(ZERO, cost(self.plan, leg.used) - leg.limit) for leg in self.legs]

    @property
    def notes(self) -> Notes:
        found = Notes()
        for leg in self.legs:
            for each in leg.notes:
                found.add(each)
        return found

    @property
    def left(self) -> Decimal:
        """What of the limit one more unit would still have fitted into: zero, if it was used up."""
        cheapest = min(cost(self.plan, self.legs[-1].used + Counter({one: 1, CALLS: 1})) for one in REGIONS)
        return self.limit - self.usage if cheapest <= self.limit else ZERO

    def lies(self) -> list[str]:
        """Answers that told less than was acknowledged before they were asked for, or more than was sent by then; and
        those that do not follow from what they tell."""
        notes = self.notes
        acknowledged = _Tally(self.plan, [(each.answered, each.used) for each in notes.sent])
        sent = _Tally(self.plan, [(each.at, each.used) for each in notes.sent])
        found = []
        for leg in self.legs:
            for each in (one for notes in leg.notes for one in notes.asked if one.spent is not None):
                low, high = acknowledged.before(each.at), sent.before(each.answered)
                if not low <= each.spent <= high:
                    found.append(f"{self.account}: told {each.spent}, acknowledged {low}, sent {high}")
                if self.way == "ask" and each.allowed != (each.spent < leg.limit):
                    found.append(f"{self.account}: {each.spent} of {leg.limit}, allowed: {each.allowed}")
        return found

    def delays(self) -> Iterator[float]:
        """Seconds from the acknowledgement that reached a limit until the last sender was refused, by leg."""
        for leg in self.legs:
            reached = self._reached(leg)
            refused = [_first(each.asked, reached) for each in leg.notes if each.asked] if reached else []
            if reached and refused:
                yield max(refused) - reached

    def _reached(self, leg: Leg) -> float | None:
        used = Counter(leg.begun)
        for each in sorted((one for notes in leg.notes for one in notes.sent), key=_answered):
            used.update(each.used)
            if cost(self.plan, used) >= leg.limit:
                return each.answered
        return None


@dataclass(frozen=True)
class Stage:
    """Where rounds are played. `name` begins the codes of their accounts."""

    url: str
    key: str
    api: httpx.Client
    crowd: Senders
    name: str


def play(stage: Stage, ways: Sequence[Way], plans: Sequence[str], seconds: float, seed: int) -> list[Round]:
    """Rounds for so long, at least one for each way and plan; with allowances every second plan has a raise."""
    chance, end = random.Random(seed), time.monotonic() + seconds
    kinds = [(way, plan) for plan in plans for way in ways]
    found = list[Round]()
    while len(found) < len(kinds) or time.monotonic() < end:
        way, plan = kinds[len(found) % len(kinds)]
        raised = way != "reserve" and len(found) // len(ways) % 2 == 1
        account = f"{stage.name}-{way}-{len(found)}"
        task = Task(stage.url, stage.key, account, way, chance.randrange(2**32))
        found.append(play_round(stage, task, plan, raised, chance))
    return found


def play_round(stage: Stage, task: Task, plan: str, raised: bool, chance: random.Random) -> Round:
    open_account(stage.api, task.account, plan)
    found = Round(task.account, plan, task.way)
    limit, begun = Decimal(chance.randint(*LIMITS)).scaleb(-2), Counter[str]()
    if task.way == "reserve":
        task = replace(task, rush=units_for(plan, limit * RUSH))
    for _ in range(2 if raised else 1):
        set_limit(stage.api, task.account, limit)
        notes = stage.crowd.use_up(task)
        if task.way == "reserve":  # once all is committed, given back or expired, one uses up the rest
            time.sleep(SHORT_TTL + 0.1)
            notes.append(stage.crowd.use_rest(task))
        found.legs.append(Leg(limit, begun, tuple(notes)))
        begun = found.legs[-1].used
        limit = found.usage + Decimal(chance.randint(*RAISES)).scaleb(-2)
        task = replace(task, seed=task.seed + stage.crowd.count)
    return found


class _Tally:
    """What usage came to at each instant."""

    def __init__(self, plan: str, steps: Sequence[tuple[float, Used]]) -> None:
        ordered = sorted(steps, key=lambda step: step[0])
        self.times = [at for at, _ in ordered]
        sums = accumulate(
            (each for _, each in ordered), lambda one, other: one + other, initial=Counter[str]()
        )
        self.costs = [cost(plan, each) for each in sums]

    def before(self, at: float) -> Decimal:
        return self.costs[sum(1 for each in self.times if each < at)]


def _first(asked: Sequence[Asked], since: float) -> float:
    """When it was refused, after `since`; at once, if that was before."""
    return min(
        (each.answered for each in asked if not each.allowed and each.answered >= since), default=since
    )


def _answered(sent: Sent) -> float:
    return sent.answered
