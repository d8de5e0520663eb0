"""Hears what PostgreSQL tells on a channel, for ever, over restarts of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import psycopg

from portal.worker.database import connection_params, reach

AGAIN_SECONDS: Final = 1.0
PROBE_SECONDS: Final = 30.0

log = logging.getLogger("plainbill.worker")


async def listen(
    channel: str, hear: Callable[[str], object], connected: Callable[[], Awaitable[object]]
) -> None:
    """`connected` after each connect, for what was missed meanwhile; `hear` with each notification's payload."""
    while True:
        try:
            await reach()
            async with await psycopg.AsyncConnection.connect(
                **connection_params(), autocommit=True
            ) as connection:
                await connection.execute(f"LISTEN {channel}")
                log.info("The worker listens to %s", channel)
                await connected()
                while True:
                    async for notification in connection.notifies(timeout=PROBE_SECONDS):
                        hear(notification.payload)
                    await connection.execute("SELECT 1")
        except Exception as error:
            log.warning("Not listening to %s, trying again: %s", channel, error)
        await asyncio.sleep(AGAIN_SECONDS)
