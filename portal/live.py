"""Live figures: one stream per open overview, one listening connection per process for all of them.

PostgreSQL tells this process which account has news (channel `plainbill_usage`). Each stream of that account
renders the cards anew in a thread, at most once a second, and sends them as htmx partials. The listening
connection is no part of the pool, and a stream holds no connection at all between two renderings. Membership
and session are checked each time, so a person who is removed or signs out sees nothing more.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final
from weakref import WeakKeyDictionary

import psycopg
from django.db import close_old_connections
from psycopg import Notify

from portal.worker.database import connection_params, reach

CHANNEL: Final = "plainbill_usage"
HEARTBEAT_SECONDS: Final = 15.0
# Two messages of one stream are at least this far apart; the chart, which is heavier, comes more rarely.
PAUSE_SECONDS: Final = 1.0
CHART_SECONDS: Final = 5.0
RECONNECT_SECONDS: Final = 1.0
PROBE_SECONDS: Final = 30.0
# Streams send this so that a proxy sees traffic; it is a comment that browsers skip.
HEARTBEAT: Final = ": still here\n\n"

log = logging.getLogger("plainbill.live")
# Few threads, so that many open pages cannot take all database connections.
_renderers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="live")


@dataclass(frozen=True, slots=True)
class Cards:
    """The partials to send, and the state whose change is announced. None of it: the reader may see no
    more."""

    html: str
    state: str


# (with the chart, the state that the reader knows) -> the cards, or None when the stream must end.
type Render = Callable[[bool, str], Cards | None]


class Hub:
    """The streams of one event loop, and the task that wakes them."""

    def __init__(self) -> None:
        self._streams: dict[int, set[asyncio.Event]] = {}
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    def join(self, account_id: int) -> asyncio.Event:
        """An event that is set when the account has news; give it back with `leave`."""
        news = asyncio.Event()
        self._streams.setdefault(account_id, set()).add(news)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen(), name="live-listener")
        return news

    def leave(self, account_id: int, news: asyncio.Event) -> None:
        streams = self._streams.get(account_id, set())
        streams.discard(news)
        if not streams:
            self._streams.pop(account_id, None)
        if not self._streams and self._task is not None:
            self._task.cancel()
            self._task = None
            self._listening.clear()

    async def ready(self, seconds: float) -> bool:
        """Whether the connection listens, waiting a little for it."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._listening.wait(), seconds)
        return self._listening.is_set()

    async def _listen(self) -> None:
        while True:
            try:
                await reach()
                async with await psycopg.AsyncConnection.connect(
                    **connection_params(), autocommit=True
                ) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self._listening.set()
                    self._wake_all()
                    while True:
                        async for notice in connection.notifies(timeout=PROBE_SECONDS):
                            self._wake(notice)
                        await connection.execute("SELECT 1")
            except (
                Exception
            ) as error:  # Django's errors too, while the database is away: a stream waits for this task
                self._listening.clear()
                log.warning("Live figures are not listening, trying again: %s", error)
            await asyncio.sleep(RECONNECT_SECONDS)

    def _wake(self, notice: Notify) -> None:
        account_id = int(notice.payload) if notice.payload.isdecimal() else None
        for news in self._streams.get(account_id, ()) if account_id is not None else ():
            news.set()

    def _wake_all(self) -> None:
        """What was missed while the connection was away is in the next rendering."""
        for streams in self._streams.values():
            for news in streams:
                news.set()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running loop: servers have one, tests many."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())


async def stream(
    account_id: int, render: Render, has_news: Callable[[], bool], known: str = ""
) -> AsyncGenerator[str]:
    """Server-sent events for one reader, until he leaves or may see no more.

    `has_news`: whether anything came after the page was drawn and before it listened. A thousand pages that connect
    again, as after a restart, are not all drawn anew.
    """
    own = hub()
    news = own.join(account_id)
    chart_at, chart_due = monotonic(), False
    try:
        yield HEARTBEAT
        if await _in_thread(has_news):
            news.set()
        while True:
            waiting = min(
                HEARTBEAT_SECONDS, max(0.0, CHART_SECONDS - (monotonic() - chart_at)) if chart_due else 1e9
            )
            fresh = await _within(news, waiting)
            with_chart = (fresh or chart_due) and monotonic() - chart_at >= CHART_SECONDS
            if not fresh and not with_chart:
                yield HEARTBEAT
                continue
            news.clear()
            began = monotonic()
            cards = await _in_thread(render, with_chart, known)
            if cards is None:
                return
            known, chart_due = cards.state, not with_chart
            if with_chart:
                chart_at = monotonic()
            yield message(cards.html)
            await asyncio.sleep(max(0.0, PAUSE_SECONDS - (monotonic() - began)))
    finally:
        own.leave(account_id, news)


def message(html: str) -> str:
    """One server-sent event without a name: htmx swaps its partials into the page."""
    return "".join(f"data: {line}\n" for line in html.splitlines()) + "\n"


async def _within(news: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(news.wait(), seconds)
    return news.is_set()


async def _in_thread[**P, R](work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """In a thread of the pool, which gives its database connection back."""

    def run() -> R:
        close_old_connections()
        try:
            return work(*args, **kwargs)
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_renderers, run)
