"""One embedded PostgreSQL for the whole run, a database for each worker, and a fresh clone where a test commits.

Tests run as the application's role inside the installation's scope, so row-level security and triggers are on.
`db` rolls back; `committed` gives a database of its own, for threads, commands and locks.
"""

import fcntl
import hashlib
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.environment import KEEP, RUN_DIR
from tests.server.running import Demo, free_port
from tests.settings import INSTALLED_APPS

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = sorted(file for app in ("accounts", "billing") for file in (ROOT / app).rglob("migrations/*.py"))
SHARED = ROOT.parent / "shared"
settings.register_profile("default", deadline=None)  # a loaded machine makes no example wrong
_numbers = itertools.count(1)
_schema = b"".join(file.read_bytes() for file in SCHEMA) + repr(INSTALLED_APPS).encode()
TEMPLATE = "template_" + hashlib.sha256(_schema).hexdigest()[:16]


def pytest_unconfigure(config: pytest.Config) -> None:
    from portal.postgres import embedded

    if RUN_DIR in embedded._held:
        embedded.release(RUN_DIR)
        if not KEEP and not embedded._answers(RUN_DIR):
            shutil.rmtree(RUN_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of published cases and real data; skips where the project was cloned alone."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with the published cases is not beside the project")
    return SHARED


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`manage.py demo --no-simulate`, shared by the tests that only add accounts of their own."""
    running = Demo(tmp_path_factory.mktemp("plain demo") / "data", free_port())
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    from django.core.management import call_command

    from portal.postgres import embedded

    embedded.ensure_running(RUN_DIR)
    with (RUN_DIR / "template.lock").open("w") as lock, django_db_blocker.unblock():
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _exists(TEMPLATE):
            _sql(f"DROP DATABASE IF EXISTS {TEMPLATE}_new")
            _sql(f"CREATE DATABASE {TEMPLATE}_new")
            with _Database(f"{TEMPLATE}_new"):
                call_command("migrate", verbosity=0)
            _sql(f"ALTER DATABASE {TEMPLATE}_new RENAME TO {TEMPLATE}")
    with _Clone(f"test_{os.getpid()}"):
        yield


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """Whatever language and zone a test's requests have set, the next one begins without."""
    from django.utils import timezone, translation

    yield
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(autouse=True)
def _own_sign_ins() -> None:
    """Sign-ins of the tests before count for none of this one's (allauth allows some in a minute)."""
    from django.core.cache import cache

    cache.clear()


@pytest.fixture(autouse=True)
def _installation_scope(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests with the rolled-back database see every account unless they open a scope themselves."""
    if "db" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("db")
    from accounts.scope import installation_scope

    with installation_scope():
        yield


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the test's own, where commits are real: threads, commands, kills. Gives its name."""
    with django_db_blocker.unblock(), _Clone(f"test_{os.getpid()}_{next(_numbers)}") as name:
        yield name


class _Database:
    """Point both connections at another database for a while."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> str:
        from django.db import connections

        self.before = connections["default"].settings_dict["NAME"]
        self._point(self.name)
        return self.name

    def __exit__(self, *error: object) -> None:
        self._point(self.before)

    @staticmethod
    def _point(name: str) -> None:
        from django.db import connections

        for alias in ("default", "owner"):
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = name


class _Clone(_Database):
    """A copy of the migrated template, dropped afterwards."""

    def __enter__(self) -> str:
        with (RUN_DIR / "template.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _sql(f"CREATE DATABASE {self.name} TEMPLATE {TEMPLATE}")
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        # As the superuser: the owner may not end a connection of the application's role that lingers.
        _sql(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)", "postgres")


def _connect(user: str = "") -> "psycopg.Connection":  # noqa: F821
    import psycopg

    from portal.postgres import embedded

    host = str(embedded.socket_dir(RUN_DIR))
    return psycopg.connect(host=host, user=user or embedded.OWNER_ROLE, dbname="postgres", autocommit=True)


def _sql(statement: str, user: str = "") -> None:
    with _connect(user) as connection:
        connection.execute(statement)


def _exists(name: str) -> bool:
    with _connect() as connection:
        return bool(connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone())
