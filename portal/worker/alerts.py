"""Alerts within seconds of usage: listens to PostgreSQL, and checks each account that has news once.

Any number of notifications for one account become one check, at most one a second. What was missed while the
connection was away is checked at the next one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from portal.worker import listening

CHANNEL: Final = "plainbill_usage"
PAUSE_SECONDS: Final = 1.0

log = logging.getLogger("plainbill.worker")


class News:
    """Accounts with usage that nobody has looked at yet."""

    def __init__(self) -> None:
        self._accounts: set[int] = set()
        self._some = asyncio.Event()

    def add(self, accounts: Iterable[int]) -> None:
        self._accounts.update(accounts)
        if self._accounts:
            self._some.set()

    async def take(self) -> set[int]:
        """All of them at once; waits until there is one."""
        await self._some.wait()
        taken, self._accounts = self._accounts, set()
        self._some.clear()
        return taken


async def listen(news: News, everyone: Callable[[], Awaitable[Iterable[int]]]) -> None:
    """Keep `news` filled, for ever: `everyone` after each connect, then whom the notifications name."""

    async def all_of_them() -> None:
        news.add(await everyone())

    await listening.listen(CHANNEL, lambda payload: news.add(_account(payload)), all_of_them)


async def watch(
    news: News,
    limited: Callable[[set[int]], Awaitable[Iterable[int]]],
    check: Callable[[int], Awaitable[object]],
) -> None:
    """Check each account with news and a limit, for ever; the same one at most once in `PAUSE_SECONDS`.

    `limited`: which of some have a limit. Asking for each would cost more than storing the usage of those without.
    """
    loop = asyncio.get_running_loop()
    while True:
        accounts = await news.take()
        began = loop.time()
        for account in sorted(await _limited(limited, accounts)):
            try:
                await check(account)
            except Exception:
                log.exception(
                    "The limits of account %s could not be checked; the next sweep tries again", account
                )
        await asyncio.sleep(max(0.0, began + PAUSE_SECONDS - loop.time()))


async def _limited(
    limited: Callable[[set[int]], Awaitable[Iterable[int]]], accounts: set[int]
) -> Iterable[int]:
    try:
        return await limited(accounts)
    except Exception:
        log.exception("Whose limits to check could not be found; the next sweep tries again")
        return ()


def _account(payload: str) -> list[int]:
    return [int(payload)] if payload.isascii() and payload.isdigit() else []
