"""Sends webhooks: within a second or two of the commit by LISTEN, tried again when due, and looked for each minute.

All waiting is done here; what is due, and who has it in hand, is in the database (billing/webhooks/sending). So several
workers share the work, and a worker that is killed loses nothing.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from django.utils import timezone

from billing.webhooks.actions import CHANNEL
from billing.webhooks.models import Delivery
from billing.webhooks.sending import Lane, Outcome, Try, next_due, post, settle, spread, take
from billing.webhooks.sending.signing import signed_headers
from portal.worker.jobs import with_fresh_connection
from portal.worker.listening import listen

# Endpoints that hang have 40 places among them, however many they are; one that begins to hang has 4 of the 200 others,
# for ten seconds.
LANES: Final = (Lane(failing=False, places=200, each=4), Lane(failing=True, places=40, each=1))
SWEEP_SECONDS: Final = 60.0
# What is due and has no place waits for one; this is how long it waits at most before we look again.
CROWDED_SECONDS: Final = 1.0
AFTER_TROUBLE_SECONDS: Final = 2.0
# What ends or comes within this time is looked for together.
GATHER_SECONDS: Final = 0.02
GRACE_SECONDS: Final = 3.0

log = logging.getLogger("plainbill.webhooks")
# Threads of its own: neither a long job nor a slow resolver takes them. Each holds a database connection.
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="webhooks")


async def send_webhooks() -> None:
    """Send what is due, for ever. When cancelled, tries in hand have `GRACE_SECONDS` to end."""
    sender = Sender()
    listening = asyncio.create_task(listen(CHANNEL, sender.wake, sender.look))
    try:
        await sender.run()
    finally:
        listening.cancel()
        await sender.end()


class Sender:
    """The tries in hand, by lane and endpoint, and the wish to look for more."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self._busy: dict[Lane, Counter[UUID]] = {lane: Counter() for lane in LANES}
        self._tries = set[asyncio.Task[None]]()
        self._looking: asyncio.Task[float] | None = None

    def wake(self, payload: str = "") -> None:
        self._news.set()

    async def look(self) -> None:
        """After each connect: what was announced meanwhile."""
        self.wake()

    async def run(self) -> None:
        while True:
            self._news.clear()
            try:
                self._looking = asyncio.create_task(self._round())
                wait = await asyncio.shield(self._looking)
            except Exception as error:
                log.warning("Webhooks stand still, trying again: %s", error)
                await asyncio.sleep(AFTER_TROUBLE_SECONDS)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait)
            await asyncio.sleep(GATHER_SECONDS)

    async def end(self) -> None:
        """What has been taken is still tried: until its lease ends nobody else would."""
        if self._looking:
            await asyncio.wait([self._looking], timeout=GRACE_SECONDS)
        if self._tries:
            await asyncio.wait(self._tries, timeout=GRACE_SECONDS)
        for task in self._tries:
            task.cancel()

    async def _round(self) -> float:
        """Begin every try that is due and has a place; the seconds after which to look again."""
        found, due = await _in_thread(_find, {lane: dict(busy) for lane, busy in self._busy.items()})
        for lane, tries in found.items():
            for each in tries:
                self._begin(lane, each)
        if due is None:
            return SWEEP_SECONDS
        seconds = (due - timezone.now()).total_seconds()
        return min(seconds, SWEEP_SECONDS) if seconds > 0 else CROWDED_SECONDS

    def _begin(self, lane: Lane, tried: Try) -> None:
        self._busy[lane][tried.endpoint_id] += 1
        task = asyncio.create_task(_send(tried))
        self._tries.add(task)
        task.add_done_callback(partial(self._ended, lane, tried.endpoint_id))

    def _ended(self, lane: Lane, endpoint: UUID, task: asyncio.Task[None]) -> None:
        self._tries.discard(task)
        self._busy[lane] -= Counter([endpoint])
        self.wake()
        if not task.cancelled() and (error := task.exception()):
            log.warning("What became of a webhook could not be recorded, it is tried again: %s", error)


def _find(busy: Mapping[Lane, Mapping[UUID, int]]) -> tuple[dict[Lane, list[Try]], datetime | None]:
    """What is to be tried now, by lane, and when the next is due."""
    while spread():
        pass
    free = {lane: lane.places - sum(busy[lane].values()) for lane in busy}
    found = {lane: take(lane, places, busy[lane]) for lane, places in free.items() if places}
    return found, next_due()


async def _send(tried: Try) -> None:
    await _in_thread(settle, tried, await _outcome(tried))


async def _outcome(tried: Try) -> Outcome:
    if not tried.keys:
        return Outcome(Delivery.Error.SECRET)
    headers = signed_headers(tried.message_id, tried.body, tried.keys, timezone.now())
    try:
        return await post(tried.url, tried.installation, tried.body, headers)
    except Exception:
        log.exception("The try of webhook %s failed in a way of its own", tried.message_id)
        return Outcome(Delivery.Error.CONNECTION)


async def _in_thread[**P, R](function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """`function` in one of our threads, with a database connection that has been checked."""
    call = partial(with_fresh_connection(function), *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_threads, call)
