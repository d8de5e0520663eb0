"""Which tests a fault is tried on: those that run its statement, the quickest first. Pytest plugins."""

import signal
import time
from collections.abc import Callable, Mapping

import coverage
import pytest

SLOW = ("test_oracle", "test_tiling", "tile_in_every_zone", "thousand_quotes", "starts_no_site")
"""Left out: long searches whose finds the quick tests must make too, and tests of other processes."""


class Quick:
    """Leaves the slow tests out."""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if not any(name in item.nodeid for name in SLOW)]


class Survey(Quick):
    """Tells coverage which test runs, and notes how many seconds of the processor each takes."""

    def __init__(self, cov: coverage.Coverage) -> None:
        self.cov, self.seconds = cov, dict[str, float]()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.cov.switch_context(nodeid)
        self.seconds[nodeid] = -time.process_time()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.seconds[nodeid] += time.process_time()


class Chosen(Quick):
    """Keeps the tests of `order` and any that the fault has brought about (not in `known`), in that order."""

    def __init__(self, order: Mapping[str, float], known: Mapping[str, float]) -> None:
        self.order, self.known = order, known

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        super().pytest_collection_modifyitems(items)
        items[:] = [item for item in items if item.nodeid in self.order or item.nodeid not in self.known]
        items.sort(key=lambda item: self.order.get(item.nodeid, 0))


class Collected(Quick):
    """Once all tests are collected, runs `work` in their place, which may call `passes` in forked processes."""

    def __init__(self, work: Callable[["Collected"], None]) -> None:
        self.work, self.failed = work, False
        self.items = dict[str, pytest.Item]()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        self.work(self)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed |= report.failed

    def passes(self, tests: Mapping[str, float]) -> bool:
        """Whether all of `tests` pass, tried in order of their seconds until one fails."""
        return not any(
            self._fails(self.items[test], tests[test]) for test in sorted(tests, key=tests.__getitem__)
        )

    def _fails(self, item: pytest.Item, seconds: float) -> bool:
        """SIGPROF ends the process if the test takes ten times its time of the processor, and a second."""
        signal.setitimer(signal.ITIMER_PROF, 1 + 10 * seconds)
        item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
        return self.failed
