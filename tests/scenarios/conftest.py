from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.scenarios.product import Product
from tests.server.running import free_port


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One running product for all scenarios, which follow each other in time, as their files do in name."""
    folder = tmp_path_factory.mktemp("scenarios") / "data"
    product = Product(folder, free_port(), datetime(2016, 1, 1, tzinfo=UTC))
    try:
        yield product.run()
    finally:
        product.stop()


@pytest.fixture
def product(running: Product) -> Iterator[Product]:
    yield running
    running.leave()
