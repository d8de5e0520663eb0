"""Acts that begin at one moment, each in a thread and on connections of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connections

from tests.patience import PATIENCE


def at_once[T](*acts: Callable[[], T]) -> list[T]:
    """What each act gave, in their order; raises what one of them raised."""
    barrier = Barrier(len(acts))

    def begin(act: Callable[[], T]) -> T:
        try:
            barrier.wait(PATIENCE)
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as threads:
        begun = [threads.submit(begin, act) for act in acts]
    return [one.result() for one in begun]
