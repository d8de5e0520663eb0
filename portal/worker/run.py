"""Runs the worker until a signal: jobs and schedule by procrastinate, alerts and webhooks by our own listeners."""

import asyncio
import functools
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from asgiref.sync import sync_to_async
from procrastinate import App

from portal.worker import alerts, jobs
from portal.worker.database import connector, reach
from portal.worker.schedule import ScheduledWorker
from portal.worker.webhooks import send_webhooks

CONCURRENCY: Final = 4
RESTART_SECONDS: Final = 2.0
# procrastinate misses the notice of a job that is made while it looks for jobs: this is then how late it is found.
FETCH_SECONDS: Final = 1.0
# What still runs this long after a signal is left: its transaction is rolled back, and the next worker does it.
GRACE_SECONDS: Final = 3.0
HARD_STOP_SECONDS: Final = 7.0

log = logging.getLogger("plainbill.worker")


async def work(app: App, queues: Sequence[str]) -> None:
    """Work on `queues`, and on alerts and webhooks always, until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, _on_signal, stop)
    news = alerts.News()
    parts = [
        asyncio.create_task(_run_jobs(app, queues, stop)),
        asyncio.create_task(alerts.listen(news, _thread(jobs.accounts_with_limits))),
        asyncio.create_task(
            alerts.watch(news, _thread(jobs.accounts_with_limits), functools.partial(_check, app))
        ),
        asyncio.create_task(send_webhooks()),
    ]
    log.info("The worker runs: %s", ", ".join(queues))
    await stop.wait()
    log.info("The worker ends")
    for part in parts:
        part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)


async def _run_jobs(app: App, queues: Sequence[str], stop: asyncio.Event) -> None:
    """procrastinate's worker ends when it loses the database: start it again until we are told to end."""
    while not stop.is_set():
        try:
            await reach()
            with app.replace_connector(connector()):
                async with app.open_async():
                    worker = ScheduledWorker(
                        app,
                        queues=queues,
                        concurrency=CONCURRENCY,
                        fetch_job_polling_interval=FETCH_SECONDS,
                        delete_jobs="successful",
                        install_signal_handlers=False,
                        shutdown_graceful_timeout=GRACE_SECONDS,
                    )
                    await worker.run()  # type: ignore[no-untyped-call]
        except Exception as error:
            log.warning("Jobs stand still, starting again: %s", error)
        await asyncio.sleep(RESTART_SECONDS)


async def _check(app: App, account: int) -> None:
    """Record new alerts and leave the sending to a job, so that a slow mail server delays no other account."""
    if await _thread(jobs.check_account)(account):
        await app.configure_task(jobs.SEND_ALERTS).defer_async(account_id=account)


def _thread[**P, R](function: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """`function` in a thread with a database connection of its own that has been checked."""
    return sync_to_async(jobs.with_fresh_connection(function), thread_sensitive=False)


def _on_signal(stop: asyncio.Event) -> None:
    jobs.stopping.set()
    stop.set()
    timer = threading.Timer(HARD_STOP_SECONDS, os._exit, [0])
    timer.daemon = True
    timer.start()
