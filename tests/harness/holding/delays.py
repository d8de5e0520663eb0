"""How long until it holds: from the event that reaches a limit to refusal and mail, from a raise to going on."""

import email
import random
import time
from dataclasses import dataclass, field
from decimal import Decimal
from email.policy import default
from pathlib import Path
from typing import Final

import httpx

from tests.harness.holding.goods import cost, event, open_account, set_limit, used
from tests.server.running import Demo

PLAN: Final = "held-units"
UNITS: Final = 100
ROOM: Final = Decimal("1.00")
"""Less than what `UNITS` cost: each event reaches its limit."""
WAIT_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.02


@dataclass
class Delays:
    """Seconds, by firing. A mail is handed over when its file is written; `mails` counts them, `ids` are their own."""

    refused: list[float] = field(default_factory=list)
    mailed: list[float] = field(default_factory=list)
    resumed: list[float] = field(default_factory=list)
    mails: int = 0
    ids: int = 0


def measure(product: Demo, api: httpx.Client, firings: int, name: str, seed: int = 1) -> Delays:
    """A limit is raised and reached so many times, at random instants of the worker's second."""
    chance, found = random.Random(seed), Delays()
    address = open_account(api, name, PLAN)
    box = _Mailbox(product.data / "mail", address)
    for number in range(firings):
        spent = cost(PLAN, used(event(name, str(one), UNITS, "eu") for one in range(number)))
        set_limit(api, name, spent + ROOM)
        found.resumed.append(_until_allowed(api, name, True))
        time.sleep(chance.random())
        sent = api.post("/events", json=event(name, str(number), UNITS, "eu"))
        clock = time.time()
        assert sent.status_code == 200, sent.text
        found.refused.append(_until_allowed(api, name, False))
        found.mailed.append(box.next_one() - clock)
    time.sleep(2)  # a second mail about the same would have come
    found.mails, found.ids = box.count()
    return found


def _until_allowed(api: httpx.Client, account: str, wanted: bool) -> float:
    began = time.monotonic()
    while time.monotonic() < began + WAIT_SECONDS:
        if api.get(f"/accounts/{account}/allowance").json()["allowed"] is wanted:
            return time.monotonic() - began
    return float("inf")


class _Mailbox:
    """The mails to an address, among the files of Django's file backend."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        self.others: set[Path] = set()
        self.known: set[Path] = set()

    def next_one(self) -> float:
        """When the next mail was handed over (Unix time)."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            new = self._files() - self.known
            if new:
                self.known |= new
                return min(one.stat().st_mtime for one in new)
            time.sleep(LOOK_SECONDS)
        return float("inf")

    def count(self) -> tuple[int, int]:
        texts = [one.read_text() for one in self._files()]
        parts = [part.strip() for text in texts for part in text.split("-" * 79 + "\n") if part.strip()]
        ids = [email.message_from_string(part, policy=default)["Message-ID"] for part in parts]
        return len(ids), len(set(ids))

    def _files(self) -> set[Path]:
        found = set()
        for file in set(self.folder.glob("*.log")) - self.others:
            text = file.read_text()
            if f"To: {self.address}\n" in text:
                found.add(file)
            elif "\nTo: " in text:
                self.others.add(file)
        return found
