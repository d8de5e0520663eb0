"""The worker as the process that operators run: mail within seconds, two at once, a lost database, a signal."""

import email
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from accounts.scope import installation_scope
from billing.invoices.actions.bill import bill_account
from billing.invoices.models import Invoice
from billing.limits.actions import set_limit
from billing.limits.models import Alert, Stop
from billing.plans.models import Period
from portal.postgres import embedded
from tests.environment import RUN_DIR
from tests.limits.world import customer, use
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.server


class Worker:
    """`manage.py worker` on the test's own database; its mails are files."""

    def __init__(self, database: str, folder: Path, *words: str) -> None:
        self.log = folder / f"worker-{time.monotonic_ns()}.log"
        where = f"/{database}?host={embedded.socket_dir(RUN_DIR)}"
        env = {
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("DJANGO_", "DATA", "PYTEST_"))
            },
            "DATABASE_URL": f"postgres://{embedded.APP_ROLE}@{where}",
            "DATABASE_OWNER_URL": f"postgres://{embedded.OWNER_ROLE}@{where}",
            "DATA_DIR": str(folder),
            "EMAIL_URL": f"filemail://{folder / 'mail'}",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "worker", *words], cwd=ROOT, env=env, stdout=log, stderr=log
            )

    def ready(self) -> "Worker":
        until(lambda: "The worker listens" in self.log.read_text(), self.log)
        return self

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def until(met: Callable[[], bool], log: Path) -> None:
    """Wait until `met`."""
    began = time.monotonic()
    while not met():
        if time.monotonic() - began > PATIENCE:
            pytest.fail(f"not within {PATIENCE} s\n{log.read_text()}")
        time.sleep(0.05)


@pytest.fixture
def start(committed: str, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    (tmp_path / "mail").mkdir()
    running: list[Worker] = []

    def start(*words: str) -> Worker:
        running.append(Worker(committed, tmp_path, *words))
        return running[-1]

    yield start
    for worker in running:
        if worker.process.poll() is None:
            worker.process.kill()
            worker.process.wait()


@pytest.fixture
def account(committed: str) -> Account:
    with installation_scope():
        account = customer(days=40)
        set_limit(account, "100", "stop")
    return account


def mails(folder: Path) -> list[EmailMessage]:
    texts = (file.read_text() for file in sorted((folder / "mail").iterdir()))
    parts = (part for text in texts for part in text.split("-" * 79 + "\n") if part.strip())
    found = [email.message_from_string(part.strip(), policy=default) for part in parts]
    return [one for one in found if isinstance(one, EmailMessage)]


def spend(account: Account, tokens: int) -> None:
    with installation_scope():
        use(account, tokens=tokens)


def all_sent() -> bool:
    with installation_scope():
        return not Alert.objects.filter(sent_at=None).exists()


def test_usage_is_mailed_within_seconds_and_a_signal_ends_it(
    start: Callable[..., Worker], account: Account, tmp_path: Path
) -> None:
    worker = start("--no-schedule").ready()
    spend(account, 85)
    until(lambda: len(mails(tmp_path)) == 1, worker.log)
    mail = mails(tmp_path)[0]
    assert "85" in mail["Subject"]
    assert mail["To"] == "billing@acme.example"
    assert worker.stop() == 0
    with installation_scope():
        assert Alert.objects.filter(sent_at=None).count() == 0
        assert not Invoice.objects.exists(), "nothing is billed without the schedule"
    assert "Traceback" not in worker.log.read_text()


def test_two_workers_mail_each_threshold_once(
    start: Callable[..., Worker], account: Account, tmp_path: Path
) -> None:
    workers = [start("--no-schedule"), start("--no-schedule")]
    for worker in workers:
        worker.ready()
    for count in (50, 30, 20):
        before = len(mails(tmp_path))
        spend(account, count)
        until(lambda before=before: len(mails(tmp_path)) > before, workers[0].log)
    time.sleep(2)
    assert len({mail["Message-ID"] for mail in mails(tmp_path)}) == len(mails(tmp_path)) == 3
    assert [worker.stop() for worker in workers] == [0, 0]


def test_two_workers_and_a_kill_between_record_each_alert_and_stop_once(
    start: Callable[..., Worker], account: Account, tmp_path: Path
) -> None:
    first, second = start("--no-schedule"), start("--no-schedule")
    first.ready()
    second.ready()
    for number in range(12):
        spend(account, 10)
        if number == 4:
            first.process.kill()  # whatever it was at: recording, sending, writing down that it was sent
            first.process.wait()
            first = start("--no-schedule")
        if number == 8:
            second.process.kill()
            second.process.wait()
            second = start("--no-schedule")
    first.ready()
    second.ready()

    def done() -> bool:
        with installation_scope():
            told = list(Alert.objects.exclude(sent_at=None).values_list("threshold", flat=True))
            return (
                sorted(told) == [50, 80, 100] and Stop.objects.filter(crossed_at__isnull=False).count() == 1
            )

    until(done, second.log)  # what a killed one held is left to the sweep of the next minute
    with installation_scope():
        assert Alert.objects.count() == 3
        wanted = {f"<alert-{pk}@localhost>" for pk in Alert.objects.values_list("pk", flat=True)}
    sent = {mail["Message-ID"] for mail in mails(tmp_path)}
    assert sent <= wanted, "whatever was sent twice has the same id"
    assert any("is reached" in str(mail["Subject"]) for mail in mails(tmp_path))
    assert [first.stop(), second.stop()] == [0, 0]


def test_it_outlives_the_loss_of_its_database(
    start: Callable[..., Worker], account: Account, committed: str, tmp_path: Path
) -> None:
    worker = start("--no-schedule").ready()
    spend(account, 50)
    until(lambda: len(mails(tmp_path)) == 1, worker.log)
    until(all_sent, worker.log)  # a mail whose row is lost with the connection would come again
    lose_connections(committed)
    spend(account, 35)
    until(lambda: len(mails(tmp_path)) == 2, worker.log)
    assert worker.process.poll() is None
    assert worker.stop() == 0


def test_what_happened_while_no_worker_ran_is_made_up_for(
    start: Callable[..., Worker], account: Account, tmp_path: Path
) -> None:
    spend(account, 85)
    worker = start("--no-schedule").ready()
    until(lambda: len(mails(tmp_path)) == 1, worker.log)


def test_the_schedule_bills_what_has_ended(start: Callable[..., Worker], account: Account) -> None:
    worker = start().ready()

    def billed() -> bool:
        with installation_scope():
            return not Period.objects.filter(closed_at=None, end__lte=timezone.now()).exists()

    until(billed, worker.log)
    with installation_scope():
        assert Invoice.objects.filter(account=account).exists()
    assert worker.stop() == 0


def test_invoices_are_rendered_without_being_asked_for(
    start: Callable[..., Worker], account: Account
) -> None:
    bill_account(account, timezone.now())
    worker = start("--no-schedule").ready()

    def rendered() -> bool:
        with installation_scope():
            return Invoice.objects.exists() and not Invoice.objects.filter(document=None).exists()

    until(rendered, worker.log)


def lose_connections(database: str) -> None:
    """End every connection of the worker, as a restart of PostgreSQL does."""
    connection.close()  # our own
    where = {"host": str(embedded.socket_dir(RUN_DIR)), "dbname": database, "user": embedded.APP_ROLE}
    with psycopg.connect(**where) as session:
        ended = session.execute(
            """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"""
        ).fetchone()
    assert ended
    assert ended[0] >= 3, "listener, jobs and their listener"
