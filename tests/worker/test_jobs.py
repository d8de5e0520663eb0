"""A job of the schedule, minute after minute."""

import threading

import pytest

from portal.worker.jobs import _ticking


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
    tick(120)  # would wait for `over`, which nobody sets yet
    assert runs == [0]
    over.set()
    first.join(10)
    tick(180)
    assert runs == [0, 1]


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
