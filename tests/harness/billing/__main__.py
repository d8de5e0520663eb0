"""The command: a database of its own, sixteen processes, and what is left."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import django
import psycopg

from portal.postgres import embedded
from tests.harness.billing.run import card_differences, look, run
from tests.payments.stripe_site import started
from tests.server.running import ROOT, environment

FINISH = """
from datetime import timedelta
from django.utils import timezone
from billing.payments.collecting import accounts_to_charge, charge_account
from billing.payments.providers import card_provider
now = timezone.now() + timedelta(minutes=5)
for account in accounts_to_charge(now):
    charge_account(card_provider(), account, now)
"""
SELL = """
from tests.harness.billing.selling import sell
sell()
"""


def command(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """One of the product's commands on the harness's database."""
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1, help="of the kills")
    words = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="plainbill-books-"))
    folder.chmod(0o755)
    data, records = folder / "data", folder / "records"
    records.mkdir()
    stripe, stripe_process = started()
    env = {**environment(data), **stripe.environment, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    os.environ.update(env)
    django.setup()
    import billing.payments.providers.stripe  # noqa: F401  # so that forked processes have its library at once

    embedded.ensure_running(data)
    try:
        for done in (command(env, "migrate", "-v", "0"), command(env, "shell", "-v", "0", "-c", SELL)):
            assert done.returncode == 0, done.stderr
        kills, acts, faults = run(records, words.seconds, words.seed)
        finished = command(env, "shell", "-v", "0", "-c", FINISH)
        assert finished.returncode == 0, finished.stderr
        host = str(embedded.socket_dir(data))
        with psycopg.connect(host=host, user="postgres", dbname=embedded.DATABASE) as connection:
            report = look(connection, kills, acts, faults)
            report.differences += card_differences(connection, stripe.payments(), stripe.refunds())
        checked = command(env, "verify")
        if checked.returncode:
            report.differences += checked.stdout.splitlines() or [checked.stderr[-1500:]]
    finally:
        embedded.release(data)
        stripe_process.terminate()
    print("\n".join([*report.lines(), checked.stdout.strip()]))
    print("good" if report.good else f"NOT GOOD; everything is kept in {folder}")
    if report.good:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
