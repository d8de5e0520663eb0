"""The jobs: minute after minute, and after the loss of the database."""

import threading
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from django.db import connection
from procrastinate import App

from accounts.scope import installation_scope
from portal.postgres import embedded
from portal.worker.database import connector
from portal.worker.jobs import SCHEDULE, SEND_ALERTS, _ticking, register
from tests.environment import RUN_DIR
from tests.limits.world import customer


def test_a_job_that_takes_minutes_runs_once_at_a_time() -> None:
    begun, over, runs = threading.Event(), threading.Event(), []

    def slow() -> None:
        runs.append(len(runs))
        begun.set()
        assert over.wait(10)

    tick = _ticking(slow)
    first = threading.Thread(target=tick, args=[60])
    first.start()
    assert begun.wait(10)
    for minute in (120, 180):
        tick(minute)  # would wait for `over`, which nobody sets yet
    assert runs == [0]
    over.set()
    first.join(10)
    assert runs == [0, 1], "once more, for what came due meanwhile"
    tick(240)
    assert runs == [0, 1, 2]


def test_a_job_that_failed_runs_again() -> None:
    runs = []

    def fail() -> None:
        runs.append(len(runs))
        raise ValueError

    tick = _ticking(fail)
    for minute in (60, 120):
        with pytest.raises(ValueError):  # noqa: PT011
            tick(minute)
    assert runs == [0, 1]


@pytest.mark.parametrize("name", [*(job.name for job in SCHEDULE), SEND_ALERTS])
def test_a_job_makes_up_for_the_connection_that_its_thread_lost(
    committed: str, settings: Any, name: str
) -> None:
    settings.STRIPE = replace(
        settings.STRIPE, secret_key="sk_test_12345"
    )  # else nobody looks for cards to charge
    app = App(connector=connector())
    register(app, schedule=True)
    with installation_scope():
        account = customer()
    connection.ensure_connection()
    lost = connection.connection.info.backend_pid
    where = {"host": str(embedded.socket_dir(RUN_DIR)), "dbname": committed, "user": embedded.APP_ROLE}
    with psycopg.connect(**where) as session:
        session.execute("SELECT pg_terminate_backend(%s, 10000)", [lost])
    app.tasks[name](account.pk)  # a minute, or the account whose alerts are sent
    assert connection.connection.info.backend_pid != lost
