"""A writer: a process that sends new events and old ones again, its own and others', and notes every answer."""

import json
import random
import time
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, TextIO

import httpx

from tests.harness.history import NO_ANSWER, REFUSED, REVISED, Act, event_of

MOST_NEW = 100
"""New events of a request, at most; as many old ones go with them."""
AGAIN = (NO_ANSWER, REFUSED, 503)


@dataclass(frozen=True)
class Task:
    """What a writer is to do. Its own events have the numbers that leave `number` when divided by `writers`."""

    url: str
    key: str
    number: int
    writers: int
    base: datetime
    record: Path


def write(task: Task, stop: Event) -> None:
    """Send until `stop`."""
    mine, writers = task.number, task.writers
    chance, done = random.Random(mine), 0
    headers = {"Authorization": f"Bearer {task.key}", "Content-Type": "application/json"}
    with task.record.open("w") as file, httpx.Client(headers=headers, timeout=15, trust_env=False) as client:
        while not stop.is_set():
            new = chance.randint(1, MOST_NEW)
            numbers = [mine + writers * n for n in range(done, done + new)]
            # Of all numbers so far, also such that their own writer has not sent, or is sending now.
            numbers += [chance.randrange(writers * (done + new)) for _ in range(chance.randint(0, MOST_NEW))]
            done += new
            acts = [(number, chance.choice((0, 1)) if number % REVISED == 0 else 0) for number in numbers]
            acts = list(dict.fromkeys(acts))
            chance.shuffle(acts)
            while (status := _send(client, task, acts, file)) in AGAIN and not stop.is_set():
                if status != REFUSED and chance.random() < 0.3:
                    break  # and nobody ever knows
                chance.shuffle(acts)
                time.sleep(0.1)
            time.sleep(0.01)


def _send(client: httpx.Client, task: Task, acts: list[Act], record: TextIO) -> int:
    """One request, noted before and after; its answer's status, `REFUSED` or `NO_ANSWER`."""
    record.write(json.dumps(acts) + "\n")
    found: dict[str, Any]
    try:
        answer = client.post(f"{task.url}/api/v1/events", json=[event_of(act, task.base) for act in acts])
        found = {"status": answer.status_code, "body": answer.json()}
    except httpx.ConnectError:
        found = {"status": REFUSED}
    except (httpx.TransportError, ValueError):
        found = {"status": NO_ANSWER}
    record.write(json.dumps(found) + "\n")
    return int(found["status"])
