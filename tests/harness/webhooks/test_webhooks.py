"""A small slice of both runs, and the control: the harness sees what it is there to see."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from portal.postgres import embedded
from tests.environment import RUN_DIR
from tests.harness.webhooks.run import Worker, delay, loss

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]


@pytest.fixture
def env(committed: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a worker on the test's own database, which may call loopback."""
    where = f"/{committed}?host={embedded.socket_dir(RUN_DIR)}"
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("DJANGO_", "DATA", "PYTEST_"))
    }
    with override_settings(WEBHOOK_ALLOWED_HOSTS=["127.0.0.1"]):
        from django.conf import settings

        yield {
            **kept,
            "DATABASE_URL": f"postgres://{embedded.APP_ROLE}@{where}",
            "DATABASE_OWNER_URL": f"postgres://{embedded.OWNER_ROLE}@{where}",
            "DATA_DIR": str(tmp_path),
            "SECRET_KEY": settings.SECRET_KEY,
            "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
        }


def test_nothing_is_lost_while_receivers_misbehave_and_the_worker_is_killed(
    env: dict[str, str], tmp_path: Path
) -> None:
    found = loss(Worker(env, tmp_path / "log"), seconds=10, rate=20, kill_every=3, seed=7, least=80)
    assert found.kills >= 2
    assert len(found.moods) >= 4
    assert found.good, "\n".join(found.lines())


def test_marking_before_sending_is_seen_as_loss(env: dict[str, str], tmp_path: Path) -> None:
    found = loss(Worker(env, tmp_path / "log", careless=True), seconds=8, rate=20, kill_every=3, seed=7)
    assert found.lost


def test_an_endpoint_that_hangs_delays_no_other(env: dict[str, str], tmp_path: Path) -> None:
    found = delay(Worker(env, tmp_path / "log"), turns=2, messages=60, rate=15, hanging=1)
    assert found.missing == 0
    # A try that hangs takes ten seconds: who waits for one is not late by a fraction.
    assert found.ratio < 2 or found.p99(found.beside) < 1, "\n".join(found.lines())
