from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.scenarios.product import Product
from tests.server.running import free_port


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One running product for all scenarios, which follow each other in time, as their files do in name."""
    running = Product(
        tmp_path_factory.mktemp("scenarios") / "data", free_port(), datetime(2016, 1, 1, tzinfo=UTC)
    )
    try:
        yield running.run()
    finally:
        running.stop()
