"""Runs the worker's sender inside a test, on the test's own database, until something has come to pass."""

import asyncio
from collections.abc import Callable

from asgiref.sync import sync_to_async

from portal.worker.webhooks import send_webhooks
from tests.patience import PATIENCE


def send_until(met: Callable[[], bool], seconds: float = PATIENCE) -> None:
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
