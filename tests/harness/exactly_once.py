"""Does the meter lose or double events when everything is killed? `uv run python -m tests.harness.exactly_once`

Writers send over HTTP, shuffled and again and again, to a real `serve`, while its server, its worker and PostgreSQL
are killed (-9) at random and started again. Then acknowledged ⊆ stored ⊆ sent, each event once, totals = Σ events.
With `--no-synchronous-commit` PostgreSQL tells a commit before it is on disk: then this must report losses.
"""

import argparse
import multiprocessing
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.harness.history import ACCOUNTS, History, Stored, Verdict, judge, read_histories, usage_of
from tests.harness.product import VICTIMS, Product
from tests.harness.writing import Task, write
from tests.server.running import free_port
from tests.server.selling import sell

WRITERS = 8
EVERY = (5.0, 10.0)
"""Seconds between two kills."""


@dataclass
class Report:
    """A run's figures; `good` if nothing is wrong."""

    history: History
    stored: Stored
    verdict: Verdict
    kills: Counter[str]
    twice: int
    differences: list[str]
    deadlocks: int

    @property
    def good(self) -> bool:
        return self.verdict.good and not (
            self.twice or self.differences or self.deadlocks or self.history.faults
        )

    def lines(self) -> list[str]:
        history, verdict = self.history, self.verdict
        figures = {
            "kills (-9)": ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items())),
            "requests": f"{history.requests:,}, {history.unanswered:,} of them without an answer",
            "events and revisions sent": f"{len(history.sent):,}",
            "acknowledged": f"{len(history.acknowledged):,}",
            "unknown": f"{len(history.unknown):,}",
            "events stored": f"{len(self.stored):,}",
            "acknowledged and lost": f"{len(verdict.lost):,}",
            "stored and never sent": f"{len(verdict.invented):,}",
            "stored twice": f"{self.twice:,}",
            "accepted twice": f"{verdict.told_twice:,}",
            "totals that differ": f"{len(self.differences):,}",
            "deadlocks": f"{self.deadlocks:,}",
            "answers that no kill explains": f"{len(history.faults):,}",
        }
        rows = [f"{name:<32}{figure}" for name, figure in figures.items()]
        return [*rows, *self.differences[:10], *history.faults[:10]]


def run(
    product: Product,
    seconds: float,
    every: tuple[float, float] = EVERY,
    victims: Iterable[str] = VICTIMS,
    seed: int = 1,
) -> Report:
    """Write and kill for so long, then look. `product` runs, `sell` was called with `ACCOUNTS`; once a folder."""
    base, records = datetime.now(UTC).replace(microsecond=0), product.data / "records"
    records.mkdir()
    context = multiprocessing.get_context("spawn")
    stop, key = context.Event(), product.info["api_keys"]["ingest"]
    files = [records / f"{n}.jsonl" for n in range(WRITERS)]
    writers = [
        context.Process(target=write, args=(Task(product.url, key, n, WRITERS, base, file), stop))
        for n, file in enumerate(files)
    ]
    for writer in writers:
        writer.start()
    try:
        kills = _reign(product, seconds, every, list(victims), random.Random(seed))
        product.come_back()
        time.sleep(2)  # some are sent to what came back
    finally:
        stop.set()
        for writer in writers:
            writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    return _look(product, read_histories(files), kills)


def _reign(
    product: Product, seconds: float, every: tuple[float, float], victims: list[str], chance: random.Random
) -> Counter[str]:
    """Kill at random, each victim once before one comes a second time; the last kill hits them all."""
    kills, end, turn = Counter[str](), time.monotonic() + seconds, list[str]()
    while (wait := chance.uniform(*every)) < end - time.monotonic():
        _supervise(product, wait)
        turn = turn or chance.sample(victims, len(victims))
        victim = turn.pop()
        product.kill_one(victim)
        kills[victim] += 1
    _supervise(product, max(0.0, end - time.monotonic()))
    product.come_back()
    time.sleep(2)
    product.kill_one("everything")
    kills["everything"] += 1
    return kills


def _supervise(product: Product, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        product.revive()
        time.sleep(0.25)


def _look(product: Product, history: History, kills: Counter[str]) -> Report:
    with product.superuser() as connection:
        rows = connection.execute("SELECT event_id, revision FROM usage_event").fetchall()
        counted = connection.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert counted is not None
    stored = {int(number): int(revision) for number, revision in rows}
    logged = len(re.findall("deadlock detected", product.database_log()))  # the counter is lost at a crash
    return Report(
        history,
        stored,
        judge(history, stored),
        kills,
        twice=len(rows) - len(stored),
        differences=[*_differences(product, stored)],
        deadlocks=max(counted[0], logged),
    )


def _differences(product: Product, stored: Stored) -> Iterable[str]:
    """Where the API, or the totals made anew, say other than the events."""
    with product.client("read") as api:
        for account in ACCOUNTS:
            wanted = usage_of(stored, account)
            for meter in wanted:
                path = f"/accounts/{account}/usage?meter={meter}&granularity=none"
                rows = api.get(path).json()["rows"]
                found = (rows[0]["quantity"], rows[0]["events"]) if rows else ("0", 0)
                if found != wanted[meter]:
                    yield f"{account} {meter}: {found}, and the events say {wanted[meter]}"
    done = product.popen("rebuild_usage", "--check")
    out, _ = done.communicate(timeout=300)
    if done.returncode:
        yield from out.splitlines()


def prepare(product: Product, synchronous_commit: bool = True) -> None:
    """Start it, and let it sell."""
    product.start()
    product.settle()
    with product.client() as api:
        sell(api, *ACCOUNTS)
    if not synchronous_commit:
        with product.superuser() as connection:
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("SELECT pg_reload_conf()")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1, help="of the kills")
    parser.add_argument("--no-synchronous-commit", action="store_true", help="the control: losses are wanted")
    words = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="plainbill-harness-"))
    folder.chmod(0o755)
    product = Product(folder / "data", free_port())
    try:
        prepare(product, not words.no_synchronous_commit)
        report = run(product, words.seconds, seed=words.seed)
    finally:
        product.stop()
    print("\n".join(report.lines()))
    good = bool(report.verdict.lost) if words.no_synchronous_commit else report.good
    print("good" if good else f"NOT GOOD; everything is kept in {folder}")
    if good:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
