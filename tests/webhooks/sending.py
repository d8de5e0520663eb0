"""Runs the worker's sender inside a test, on the test's own database, until something has come to pass."""

import asyncio
import threading
from collections.abc import Callable

from asgiref.sync import sync_to_async

from portal.worker import webhooks
from portal.worker.webhooks import send_webhooks


def send_until(met: Callable[[], bool], seconds: float = 10) -> None:
    """Raises TimeoutError if `met` does not become true."""

    async def until() -> None:
        asked = sync_to_async(met, thread_sensitive=False)
        while not await asked():
            await asyncio.sleep(0.02)

    async def main() -> None:
        sending = asyncio.create_task(send_webhooks())
        try:
            await asyncio.wait_for(until(), seconds)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    asyncio.run(main())
    _rest()


def _rest() -> None:
    """Wait until no thread of the sender that ended still looks for deliveries: it would take the next, for nobody."""
    meeting = threading.Barrier(webhooks._threads._max_workers)
    for each in [webhooks._threads.submit(meeting.wait, 10) for _ in range(meeting.parties)]:
        each.result()
