"""The run: processes are started and killed, then all is looked at."""

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

from tests.harness.billing.working import work

PROCESSES: Final = 16
EVERY: Final = (0.1, 0.4)
"""Seconds between two kills."""


@dataclass
class Report:
    """`acts` by kind; `differences` say what does not hold, "" is nothing."""

    kills: int
    acts: Counter[str]
    documents: dict[str, int]
    entries: int
    differences: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.differences and not self.faults

    def lines(self) -> list[str]:
        series = ", ".join(f"{code} {count:,}" for code, count in sorted(self.documents.items()))
        figures = {
            "processes, kills (-9)": f"{PROCESSES}, {self.kills:,}",
            "billing runs, credit notes, adjustments": ", ".join(f"{self.acts[kind]:,}" for kind in "bnj"),
            "transfers, returned, cards": ", ".join(f"{self.acts[kind]:,}" for kind in "ptc"),
            "prepayments, refunds": ", ".join(f"{self.acts[kind]:,}" for kind in "ar"),
            "acts with nothing to do, or refused": f"{self.acts['-']:,}",
            "documents by series": series,
            "entries of the ledger": f"{self.entries:,}",
            "differences": f"{len(self.differences):,}",
            "ends that no kill explains": f"{len(self.faults):,}",
        }
        rows = [f"{name:<40}{figure}" for name, figure in figures.items()]
        return [*rows, *self.differences[:10], *self.faults[:3]]


class Worker:
    """A process that acts, and the files in which it notes what it did and what ended it."""

    def __init__(self, number: int, folder: Path) -> None:
        self.number, self.done, self.log = number, folder / f"{number}.done", folder / f"{number}.log"
        self.lives = 0
        self.start()

    def start(self) -> None:
        """Forked, so that it works at once; this process has no connection that it could share."""
        self.lives += 1
        words = (self.number * 10_000 + self.lives, self.done, self.log)
        self.process = multiprocessing.get_context("fork").Process(target=work, args=words)
        self.process.start()

    def end(self) -> None:
        self.process.kill()
        self.process.join()

    def fault(self) -> str:
        """Why it ended before it was killed; "" while it lives."""
        code = self.process.exitcode
        return (
            "" if code is None else f"process {self.number} ended with {code}: {self.log.read_text()[-1500:]}"
        )


def run(
    folder: Path, seconds: float, seed: int, processes: int = PROCESSES
) -> tuple[int, Counter[str], list[str]]:
    """Work and kill for so long: how many kills, what was done, and ends that no kill explains. Django is set up."""
    chance, kills, faults = random.Random(seed), 0, list[str]()
    workers = [Worker(number, folder) for number in range(processes)]
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end and not faults:
            time.sleep(chance.uniform(*EVERY))
            faults += [fault for worker in workers if (fault := worker.fault())]
            if not faults:
                victim = chance.choice(workers)
                victim.end()
                victim.start()
                kills += 1
    finally:
        for worker in workers:
            worker.end()
    acts = Counter[str]()
    for worker in workers:
        if worker.done.exists():
            acts.update(worker.done.read_text())
    return kills + len(workers), acts, faults


QUESTIONS: Final = {
    "series {0}: {1} documents, numbers from {2} to {3}, the counter says {4}": """
        SELECT i.series, count(*), min(sequence), max(sequence), s.last FROM invoices_invoice i
        JOIN invoices_series s ON s.code = i.series GROUP BY i.series, s.last
        HAVING (count(*), min(sequence), max(sequence)) <> (s.last, 1, s.last)""",
    "period {0} is closed by {1} invoices": """
        SELECT closes_id, count(*) FROM invoices_invoice WHERE closes_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1""",
    "the base price of period {0} is on {1} lines": """
        SELECT period_id, count(*) FROM invoices_invoiceline WHERE kind = 'base' GROUP BY 1 HAVING count(*) <> 1""",
    "period {0} counts as closed, and no invoice closes it": """
        SELECT p.id FROM plans_period p WHERE closed_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM invoices_invoice i WHERE i.closes_id = p.id)""",
    "the ledger sums to {0}": "SELECT sum(amount) FROM invoices_ledgerentry HAVING sum(amount) <> 0",
    "ledger transaction {0} sums to {1}": """
        SELECT transaction_id, sum(amount) FROM invoices_ledgerentry GROUP BY 1 HAVING sum(amount) <> 0""",
    "invoice {0} came to {1} and was credited with {2}": """
        SELECT i.number, i.total, sum(n.total) FROM invoices_invoice i JOIN invoices_invoice n ON n.credited_id = i.id
        GROUP BY i.id HAVING sum(n.total) > i.total""",
    "invoice {0} was paid with {1}, and {2} was due": """
        SELECT i.number, sum(p.amount), i.amount_due FROM invoices_invoice i
        JOIN invoices_payment p ON p.invoice_id = i.id GROUP BY i.id HAVING sum(p.amount) > i.amount_due""",
    "try {0} is {1}, and {2} was recorded": """
        SELECT a.id, a.state, p.amount FROM payments_attempt a
        LEFT JOIN invoices_payment p ON p.reference = a.reference AND p.method = 'card'
        WHERE a.settled_at IS NULL OR (a.state = 'succeeded' AND a.amount <> coalesce(p.amount, 0) + a.excess)""",
    "credit of {0} is overdrawn by {1}": """
        SELECT credit_id, sum(amount) FROM invoices_ledgerentry WHERE book = 'credit'
        GROUP BY 1 HAVING sum(amount) > 0""",
}
"""By SQL of the harness's own, which knows nothing of the product's code."""


def differences(connection: psycopg.Connection) -> Iterator[str]:
    """What does not hold of the rows, read by a superuser."""
    for words, question in QUESTIONS.items():
        for row in connection.execute(question).fetchall():
            yield words.format(*row)


def card_differences(
    connection: psycopg.Connection,
    payments: Iterable[Mapping[str, Any]],
    refunds: Iterable[Mapping[str, Any]],
) -> Iterator[str]:
    """Between what the provider of cards says and what is recorded, each payment by its reference."""
    taken = Counter[str]()
    for one in payments:
        taken[one["id"]] += one["amount"] if one["status"] == "succeeded" else 0
    for one in refunds:
        taken[one["payment_intent"]] -= one["amount"]
    rows = connection.execute(
        "SELECT reference, (sum(amount) * 100)::int FROM invoices_payment WHERE method = 'card' GROUP BY 1"
    )
    recorded = Counter(dict(rows.fetchall()))
    for reference in sorted(taken.keys() | recorded.keys()):
        if taken[reference] != recorded[reference]:
            yield f"{reference}: {taken[reference]} cents taken, {recorded[reference]} recorded"


def look(connection: psycopg.Connection, kills: int, acts: Counter[str], faults: list[str]) -> Report:
    """The figures of the rows."""
    documents = dict(
        connection.execute("SELECT series, count(*) FROM invoices_invoice GROUP BY 1").fetchall()
    )
    counted = connection.execute("SELECT count(*) FROM invoices_ledgerentry").fetchone()
    assert counted is not None
    return Report(kills, acts, documents, counted[0], [*differences(connection)], faults)
