"""Senders: processes that are the product behind, and note what they asked, sent and were told, and when.

Three ways to ask: `ask` whether the limit is reached, as a simple product does; ask whether the batch fits
(`quantity`); set usage aside before it happens (`reserve`). Whoever is refused asks again, for less where it says
how much, and stops after some refusals.
"""

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from multiprocessing.synchronize import Barrier
from typing import Any, Final, Literal
from uuid import uuid4

import httpx

from tests.harness.holding.goods import REGIONS, UNITS, Used, event, used

type Way = Literal["ask", "quantity", "reserve"]

BATCH: Final = 20
MOST_UNITS: Final = 10
MOST_RESERVED: Final = 200
ENOUGH: Final = 3
"""Refusals in a row of an allowance after which a sender believes it."""
SHORT_TTL, TTL = 1, 60
START_SECONDS: Final = 120


@dataclass(frozen=True)
class Task:
    """Use `account` until refused. `together`: begin when all the others do; else alone, and use up the rest.

    `rush`: units that all reserve at the very beginning, of which only one can get them.
    """

    url: str
    key: str
    account: str
    way: Way
    seed: int
    together: bool = True
    rush: int = 0


@dataclass(frozen=True)
class Asked:
    """An answer of allowance, or to a reservation (then without `spent`); by the machine's monotonic clock."""

    at: float
    answered: float
    allowed: bool
    spent: Decimal | None = None


@dataclass(frozen=True)
class Sent:
    """Usage that was acknowledged."""

    at: float
    answered: float
    used: Used


@dataclass
class Notes:
    """What one sender, or all of them, did. `faults` are answers that nothing explains."""

    asked: list[Asked] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    given_back: int = 0
    left_to_expire: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, other: "Notes") -> None:
        self.asked += other.asked
        self.sent += other.sent
        self.given_back += other.given_back
        self.left_to_expire += other.left_to_expire
        self.faults += other.faults

    @property
    def used(self) -> Used:
        return sum((each.used for each in self.sent), Counter[str]())


class Senders:
    """Processes that wait for tasks: starting one takes longer than using an account up."""

    def __init__(self, pool: ProcessPoolExecutor, count: int) -> None:
        self.pool, self.count = pool, count

    def use_up(self, task: Task) -> list[Notes]:
        """All at once, each with a seed of its own."""
        return list(self.pool.map(_use_up, [replace(task, seed=task.seed + n) for n in range(self.count)]))

    def use_rest(self, task: Task) -> Notes:
        """One alone, with reservations, until nothing more fits."""
        return self.pool.submit(_use_up, replace(task, together=False)).result()


@contextmanager
def senders(count: int) -> Iterator[Senders]:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(count)
    with ProcessPoolExecutor(count, context, _begin, (barrier,)) as pool:
        yield Senders(pool, count)


_barrier: Barrier | None = None
_client: httpx.Client | None = None


def _begin(barrier: Barrier) -> None:
    global _barrier, _client
    _barrier, _client = barrier, httpx.Client(timeout=60, trust_env=False)


def _use_up(task: Task) -> Notes:
    assert _barrier is not None
    assert _client is not None
    sender = _Sender(task, _client)
    if task.together:
        _barrier.wait(START_SECONDS)
    if task.way == "reserve":
        sender.reserve_all() if task.together else sender.use_rest()
    else:
        sender.ask_and_send()
    return sender.notes


class _Sender:
    def __init__(self, task: Task, client: httpx.Client) -> None:
        self.task, self.client, self.notes = task, client, Notes()
        self.chance = random.Random(task.seed)
        self.base = f"{task.url}/api/v1"
        self.headers = {"Authorization": f"Bearer {task.key}"}

    def ask_and_send(self) -> None:
        refusals = 0
        while refusals < ENOUGH and not self.notes.faults:
            region = self.chance.choice(REGIONS)
            batch = [self._event(self.chance.randint(1, MOST_UNITS), region) for _ in range(BATCH)]
            if self._allowed(batch, region):
                refusals = 0
                self._send("/events", batch, batch)
            else:
                refusals += 1

    def reserve_all(self) -> None:
        """Ever less where it is refused, until not even one unit is given."""
        if self.task.rush and (first := self._reserve(self.task.rush, REGIONS[0], TTL)):
            self._commit(first, self.task.rush, REGIONS[0])
        quantity = self.chance.randint(1, MOST_RESERVED)
        while quantity and not self.notes.faults:
            region = self.chance.choice(REGIONS)
            fate = self.chance.choices(["commit", "give back", "expire"], [80, 12, 8])[0]
            kept = self._reserve(quantity, region, SHORT_TTL if fate == "expire" else TTL)
            if kept is None:
                quantity //= 2
                continue
            if fate == "commit":
                less = self.chance.random() < 0.3
                self._commit(kept, self.chance.randint(1, quantity) if less else quantity, region)
            elif fate == "give back":
                self._give_back(kept)
            else:
                self.notes.left_to_expire += 1
            quantity = self.chance.randint(1, MOST_RESERVED)

    def use_rest(self) -> None:
        """Until no region gets one unit more."""
        for region in REGIONS:
            quantity = MOST_RESERVED
            while quantity and not self.notes.faults:
                kept = self._reserve(quantity, region, TTL)
                if kept is None:
                    quantity //= 2
                else:
                    self._commit(kept, quantity, region)

    def _allowed(self, batch: Sequence[dict[str, Any]], region: str) -> bool:
        params = {}
        if self.task.way == "quantity":
            params = {"meter": UNITS, "quantity": str(used(batch)[region]), "dimensions": f"region:{region}"}
        at = time.monotonic()
        answer = self._call("GET", f"/accounts/{self.task.account}/allowance", params=params)
        answered = time.monotonic()
        if answer.status_code != 200:
            return self._fault(answer)
        found = answer.json()
        self.notes.asked.append(Asked(at, answered, found["allowed"], Decimal(found["spent"])))
        return bool(found["allowed"])

    def _reserve(self, quantity: int, region: str, ttl: int) -> str | None:
        """Every second time with an Idempotency-Key: that is another way through the product."""
        body = {
            "meter": UNITS,
            "quantity": str(quantity),
            "dimensions": {"region": region},
            "ttl_seconds": ttl,
        }
        headers = {"Idempotency-Key": str(uuid4())} if self.chance.random() < 0.5 else {}
        at = time.monotonic()
        path = f"/accounts/{self.task.account}/reservations"
        answer = self._call("POST", path, json=body, headers=headers)
        refused = answer.status_code == 429 and answer.json()["code"] == "limit_reached"
        if answer.status_code != 201 and not refused:
            self._fault(answer)
            return None
        self.notes.asked.append(Asked(at, time.monotonic(), not refused))
        return None if refused else str(answer.json()["id"])

    def _commit(self, kept: str, units: int, region: str) -> None:
        one = self._event(units, region)
        self._send(f"/reservations/{kept}/commit", one, [one])

    def _give_back(self, kept: str) -> None:
        answer = self._call("DELETE", f"/reservations/{kept}")
        if answer.status_code != 204:
            self._fault(answer)
        self.notes.given_back += 1

    def _send(self, path: str, body: object, events: Sequence[dict[str, Any]]) -> None:
        at = time.monotonic()
        answer = self._call("POST", path, json=body)
        if answer.status_code == 200 and answer.json()["accepted"] == len(events):
            self.notes.sent.append(Sent(at, time.monotonic(), used(events)))
        else:
            self._fault(answer)

    def _event(self, units: int, region: str) -> dict[str, Any]:
        return event(self.task.account, str(uuid4()), units, region)

    def _call(
        self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        return self.client.request(
            method, self.base + path, headers={**self.headers, **(headers or {})}, **more
        )

    def _fault(self, answer: httpx.Response) -> bool:
        request = answer.request
        self.notes.faults.append(
            f"{request.method} {request.url.path}: {answer.status_code} {answer.text[:300]}"
        )
        return False
