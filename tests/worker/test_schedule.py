"""When jobs are due, by clocks that go on, stand still and leap."""

import pytest
from procrastinate import App
from procrastinate.periodic import MARGIN, PeriodicRegistry
from procrastinate.testing import InMemoryConnector

from portal.worker.schedule import Schedule

MINUTE, DAY = 60, 86_400
NOON = 1_600_000_020 // MINUTE * MINUTE


@pytest.fixture
def schedule() -> Schedule:
    app = App(connector=InMemoryConnector())
    registry = PeriodicRegistry()  # type: ignore[no-untyped-call]
    for name, cron in {"each_minute": "* * * * *", "each_day": "0 0 * * *"}.items():
        task = app.task(name=name)(lambda timestamp: None)
        registry.register_task(task=task, cron=cron, periodic_id="", configure_kwargs={})
    return Schedule(registry)


def due(schedule: Schedule, at: float) -> list[tuple[str, int]]:
    return [(periodic.task.name, minute) for periodic, minute in schedule.get_previous_tasks(at=at)]


def test_each_minute_is_due_once(schedule: Schedule) -> None:
    assert due(schedule, NOON + 1) == [("each_minute", NOON)]
    assert due(schedule, NOON + 2) == []
    assert due(schedule, NOON + MINUTE + 0.1) == [("each_minute", NOON + MINUTE)]


def test_a_leap_is_one_minute_of_each_job(schedule: Schedule) -> None:
    due(schedule, NOON + 1)
    week = NOON + 7 * DAY
    midnight = week // DAY * DAY
    assert due(schedule, week + 1) == [("each_minute", week), ("each_day", midnight)]
    assert due(schedule, week + 2) == []


def test_after_a_leap_back_minutes_go_on(schedule: Schedule) -> None:
    due(schedule, NOON + 1)
    assert due(schedule, NOON - 5 * MINUTE + 1) == [("each_minute", NOON - 5 * MINUTE)]


def test_a_leap_is_noticed_at_once(schedule: Schedule) -> None:
    assert schedule.get_next_tick(NOON + 1) + MARGIN <= 1
