"""Threads that store events, several requests in one transaction.

While a transaction commits, requests gather; the next thread takes as many of them as one transaction should hold. So
a busy server pays for a commit once for many senders, and an idle one makes nobody wait.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db import connection

from accounts.models import ApiKey
from billing.usage.ingest import (
    STATEMENT_EVENTS,
    Incoming,
    IntakeError,
    Rejected,
    Result,
    ingest_groups,
    read_events,
)

WRITERS: Final = 3
"""Transactions at once: one is prepared while another is executed and a third one commits."""

WORTH_BYTES: Final = 64 * 1024
"""While a transaction runs, less than this waits for its end, to share the next one: a commit costs more than it."""

GATHER_SECONDS: Final = 0.002
"""So long fewer requests than were answered last wait for the others: who was answered mostly sends again at once."""

MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
"""Bodies that may wait; who comes then is asked to come again. A crash loses them, and nobody was told otherwise."""

IDLE_SECONDS: Final = 1.0
"""A connection that rested longer is tried before it is used: the database may have been restarted."""

log = logging.getLogger("plainbill.intake")


class Busy(Exception):  # noqa: N818  (a state, not a fault)
    """Too much is waiting to be stored."""


@dataclass(slots=True)
class Waiting:
    """A request whose sender waits. `done` is told the result, or the error, on the event loop."""

    body: bytes
    content_type: str | None
    key: ApiKey
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Result]
    events: list[Incoming] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def sender(self) -> UUID | None:
        """The account's own key, which sends for it only and whose events are counted; else the installation."""
        return self.key.pk if self.key.account_id is not None else None

    def tell(self, outcome: Result | BaseException) -> None:
        """Wake the sender, if it is still there."""
        _tell([(self, outcome)])


@dataclass
class Writers:
    """A few threads and the requests that wait for them, first come, first served."""

    waiting: deque[Waiting] = field(default_factory=deque)
    size: int = 0
    busy: int = 0
    answered: int = 0
    some: threading.Condition = field(default_factory=threading.Condition)
    threads: list[threading.Thread] = field(default_factory=list)

    async def store(self, body: bytes, content_type: str | None, key: ApiKey) -> Result:
        """The result, once it is durable. Raises `Busy`, and what `ingest` raises."""
        loop = asyncio.get_running_loop()
        request = Waiting(body, content_type, key, loop, loop.create_future())
        with self.some:
            if self.size + len(body) > MAX_WAITING_BYTES:
                raise Busy
            self._start()
            self.size += len(body)
            self.waiting.append(request)
            self.some.notify()
        return await request.answer

    def _start(self) -> None:
        """The threads live as long as the process; each has a connection of its own."""
        while len(self.threads) < WRITERS:
            thread = threading.Thread(target=self._work, name=f"writer-{len(self.threads)}", daemon=True)
            self.threads.append(thread)
            thread.start()

    def _work(self) -> None:
        rested = time.monotonic()
        while True:
            with self.some:
                self.some.wait_for(self._worth_starting)
                self.busy += 1
                self.some.wait_for(self._has_gathered, GATHER_SECONDS)
            try:
                group = self._take()
                self.answered = len(group)
                if time.monotonic() - rested > IDLE_SECONDS:
                    _check_connection()
                _store(group)
            finally:
                rested = time.monotonic()
                with self.some:
                    self.busy -= 1
                    self.some.notify()

    def _worth_starting(self) -> bool:
        """Whether a thread that has nothing to do should begin a transaction."""
        return bool(self.waiting) and (not self.busy or self.size >= WORTH_BYTES)

    def _has_gathered(self) -> bool:
        """Whether as many wait as were answered last, or enough for a transaction."""
        return len(self.waiting) >= self.answered or self.size >= WORTH_BYTES

    def _take(self) -> list[Waiting]:
        """The next requests of one key of an account, or of installation keys, up to a transaction's worth."""
        group, count = list[Waiting](), 0
        while count < STATEMENT_EVENTS and (request := self._next(group)) is not None:
            if _read(request):
                group.append(request)
                count += len(request.events)
        return group

    def _next(self, group: Sequence[Waiting]) -> Waiting | None:
        """The next request, if there is one and it belongs to the group."""
        with self.some:
            if not self.waiting or (group and self.waiting[0].sender != group[0].sender):
                return None
            request = self.waiting.popleft()
            self.size -= len(request.body)
            return request


def _read(request: Waiting) -> bool:
    """Read the body; a sender of something else than events is told at once."""
    try:
        request.events, request.rejected = read_events(request.body, request.content_type)
    except IntakeError as error:
        request.tell(error)
        return False
    request.body = b""
    return True


def _store(group: Sequence[Waiting]) -> None:
    """Store the group's events in one transaction and tell each sender. Raises nothing: the thread goes on."""
    if not group:
        return
    try:
        events = [request.events for request in group]
        results = ingest_groups(events, group[0].key.account, group[0].sender)
    except BaseException as error:
        if not isinstance(error, IntakeError):
            log.exception("Events could not be stored")
        connection.close()
        _tell([(request, error) for request in group])
    else:
        pairs = zip(group, results, strict=True)
        _tell([(request, result.with_rejected(request.rejected)) for request, result in pairs])


def _check_connection() -> None:
    connection.health_check_done = False  # type: ignore[attr-defined]
    connection.close_if_health_check_failed()


def _tell(outcomes: Sequence[tuple[Waiting, Result | BaseException]]) -> None:
    """Wake the senders that are still there; their event loop is woken once."""
    for loop in {request.loop for request, _ in outcomes}:
        answers = [(request.answer, outcome) for request, outcome in outcomes if request.loop is loop]
        loop.call_soon_threadsafe(_settle, answers)


def _settle(outcomes: Sequence[tuple[asyncio.Future[Result], Result | BaseException]]) -> None:
    for answer, outcome in outcomes:
        if answer.done():
            continue  # the sender has gone
        if isinstance(outcome, BaseException):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)
