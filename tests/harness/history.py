"""What was sent, what was acknowledged, what nobody knows; and what may then be in the store (after Jepsen's checkers).

An act is (number, revision): one event in one of its revisions. All else of an event follows from its number, so that
whoever sends it again sends the same.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.server.selling import event

type Act = tuple[int, int]
type Stored = Mapping[int, int]
"""The revision of each number that the store holds."""

ACCOUNTS = ("hot", "warm", "cool")
NO_ANSWER, REFUSED = 0, -1
"""In an answer's place: the connection broke and nobody knows; there was none, so nothing was sent."""
REVISED = 10
"""Every tenth event is also sent as corrected."""


def account_of(number: int) -> str:
    """Most events are of one account: there writers meet."""
    return ACCOUNTS[max(0, number % 6 - 3)]


def units_of(act: Act) -> int:
    number, revision = act
    return number * 7919 % 1000 + revision * 1000


def event_of(act: Act, base: datetime) -> dict[str, Any]:
    """The act as it is sent. `base` is the run's: its days are the three before."""
    number, revision = act
    time = base - timedelta(minutes=number * 37 % 4320)
    data = {"units": units_of(act), "region": "eu" if number % 3 else "us", "person": f"p{number % 500}"}
    more = {"revision": revision} if revision else {}
    return event(account_of(number), str(number), time=time.isoformat(), data=data, **more)


@dataclass
class History:
    """All that the writers did. `faults` are answers that no kill explains."""

    sent: set[Act] = field(default_factory=set)
    acknowledged: set[Act] = field(default_factory=set)
    accepted: int = 0
    requests: int = 0
    unanswered: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def unknown(self) -> set[Act]:
        """Sent, and never acknowledged: stored or not, both are right."""
        return self.sent - self.acknowledged

    def add(self, acts: Iterable[Act], answer: Mapping[str, Any]) -> None:
        """One request and its answer: `{"status": 200, "body": …}`, or `NO_ANSWER` or `REFUSED` for a status."""
        status, body = answer["status"], answer.get("body")
        if status == REFUSED:
            return
        acts = set(acts)
        self.requests += 1
        self.sent |= acts
        if status == 200 and not body["rejected"] and not body["quarantined"]:
            self.acknowledged |= acts
            self.accepted += body["accepted"]
        elif status in (NO_ANSWER, 503):
            self.unanswered += 1
        else:
            self.faults.append(json.dumps(answer)[:500])


def read_histories(files: Iterable[Path]) -> History:
    """The writers' records: a line before each request, and one behind it."""
    history = History()
    for file in files:
        for acts, answer in _pairs(file):
            history.add([(number, revision) for number, revision in acts], answer)
    return history


def _pairs(file: Path) -> Iterator[tuple[Any, Any]]:
    with file.open() as lines:
        for line in lines:
            yield json.loads(line), json.loads(next(lines))


@dataclass(frozen=True)
class Verdict:
    """What is wrong with the store; nothing, if all is empty."""

    lost: frozenset[int]
    invented: frozenset[int]
    told_twice: int

    @property
    def good(self) -> bool:
        return not (self.lost or self.invented or self.told_twice)


def judge(history: History, stored: Stored) -> Verdict:
    """acknowledged ⊆ stored (in that revision or a later one), stored ⊆ sent, and no act told accepted twice."""
    return Verdict(
        lost=frozenset(n for n, revision in history.acknowledged if stored.get(n, -1) < revision),
        invented=frozenset(n for n, revision in stored.items() if (n, revision) not in history.sent),
        told_twice=max(0, history.accepted - len(history.sent)),
    )


def usage_of(stored: Stored, account: str) -> dict[str, tuple[str, int]]:
    """What the meters must say of an account: quantity and events of each."""
    acts = [act for act in stored.items() if account_of(act[0]) == account]
    units = [units_of(act) for act in acts]
    people = {number % 500 for number, _ in acts}
    quantities = {
        "units": sum(units),
        "calls": len(acts),
        "peak": max(units, default=0),
        "people": len(people),
    }
    return {meter: (str(quantity), len(acts)) for meter, quantity in quantities.items()}
