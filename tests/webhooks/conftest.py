from collections.abc import Iterator

import pytest
from django.test import override_settings

from tests.webhooks.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """On loopback, which the allow-list names."""
    with override_settings(WEBHOOK_ALLOWED_HOSTS=["127.0.0.1"]), receiving() as server:
        yield server
