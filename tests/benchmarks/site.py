"""The product on a temporary embedded PostgreSQL, with a catalogue and accounts, for as long as the benchmarks run."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.benchmarks.events import CATALOG, account_values

SINCE = timedelta(days=25)


@contextmanager
def temporary_data() -> Iterator[Path]:
    """A folder of data that goes away, with Django set up on it. Call it before anything of Django is imported."""
    import os

    folder = Path(tempfile.mkdtemp(prefix="plainbill-benchmarks-"))
    folder.chmod(0o755)
    os.environ.update(
        {"DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "portal.settings", "EMAIL_URL": "dummymail://"}
    )
    os.environ.pop("DATABASE_URL", None)
    import django

    django.setup()
    from django.core.management import call_command

    from portal.postgres import embedded

    try:
        call_command("migrate", verbosity=0)
        yield folder
    finally:
        from django.db import connections

        connections.close_all()
        embedded.release(folder)
        shutil.rmtree(folder, ignore_errors=True)


def settle(accounts: int, prefix: str = "bench", since: timedelta = SINCE) -> list[str]:
    """The catalogue, and `accounts` more accounts subscribed `since` so long; their codes."""
    from accounts.scope import installation_scope
    from billing.plans.actions import Actor
    from billing.plans.models import Plan
    from portal import acts

    with installation_scope():
        acts.load_catalog(CATALOG)
    codes = [f"{prefix}-{number:05d}" for number in range(accounts)]
    start = datetime.now(UTC) - since
    for code in codes:
        with installation_scope():
            account = acts.create_account(account_values(code))
            acts.subscribe(account, Plan.objects.get(code="usage"), start, actor=Actor.INSTALLATION)
    return codes
