from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.running import Demo, free_port


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`manage.py demo --no-simulate`, shared by the tests that only add accounts of their own."""
    running = Demo(tmp_path_factory.mktemp("plain demo") / "data", free_port())
    yield running.start()
    running.stop()


@pytest.fixture
def own_demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo that the test may kill."""
    running = Demo(tmp_path / "data", free_port())
    yield running.start()
    running.stop()
