"""The minutes at which jobs run: procrastinate's worker, for clocks that leap.

Procrastinate sleeps until the next minute and then makes up every minute since the last one. Where a machine was
suspended, or its clock was set, that is a job for each minute in which nobody was there: 10,000 of each for a week.
Our jobs do all that is due whenever they run, so the latest minute is enough, and looking at the clock twice a second
notices a leap at once.
"""

from collections.abc import Iterable
from typing import Any

from procrastinate.periodic import PeriodicDeferrer, PeriodicTask
from procrastinate.worker import Worker


class Schedule(PeriodicDeferrer):
    """Makes each job due for the latest minute that it has not been due for.

    What was due more than `max_delay` before the first look, at the worker's start, is over.
    """

    first_look: float | None = None

    def get_timestamps(
        self, periodic_task: PeriodicTask[Any, Any, Any], since: int | None, until: float
    ) -> Iterable[int]:
        if self.first_look is None:
            self.first_look = until
        ticks = periodic_task.croniter
        ticks.set_current(start_time=until)
        latest = round(ticks.get_prev(ret_type=float))
        if latest != since and latest >= self.first_look - self.max_delay:
            yield latest

    def get_next_tick(self, at: float) -> float:
        return 0  # procrastinate adds half a second to each wait


class ScheduledWorker(Worker):
    """procrastinate's worker with `Schedule` in place of its deferrer; it ends, as that one does, if it fails."""

    async def _periodic_deferrer(self) -> None:
        await Schedule(self.app.periodic_registry, **self.app.periodic_defaults).worker()
