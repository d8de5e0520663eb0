from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.running import Demo, free_port


@pytest.fixture
def own_demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo that the test may kill."""
    running = Demo(tmp_path / "data", free_port())
    try:
        yield running.start()
    finally:
        running.stop()
