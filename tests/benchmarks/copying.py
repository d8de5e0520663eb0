"""Intake against COPY: the same rows into the same table with its unique index, a commit for each thousand."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from uuid import UUID

import psycopg

from tests.benchmarks.events import Maker
from tests.benchmarks.measure import Row, in_turn, row, seconds

BATCH = 1_000
TABLE = "bench_copied"


def rows(codes: list[str], rounds: int, batches: int = 10) -> Iterator[Row]:
    """`ingest()` and COPY in turn, `batches` at a time: what the statements take, and all from bytes to commit.

    Both with dedupe and day totals. The statements' time is the client's too: sending, waiting, reading the answer.
    """
    from billing.usage.ingest import ingest

    maker, whole = Maker(codes, "copying"), list[float]()
    with owner() as connection:
        _make_table(connection)

        def in_database(number: int) -> float:
            bodies = [maker.body(BATCH) for _ in range(batches)]
            with _clock() as clock:
                whole.append(
                    seconds(lambda: [_accepted(ingest(body, "application/json")) for body in bodies])
                )
            return batches * BATCH / clock.total

        def yardstick(number: int) -> float:
            texts = [_as_copy(maker.events(BATCH)) for _ in range(batches)]
            return batches * BATCH / seconds(lambda: [_copy(connection, text) for text in texts])

        pairs = in_turn(in_database, yardstick, rounds)
        name = "intake, 1,000 a batch / COPY"
        yield row(f"{name}: in the database", "events/s", pairs, (">=", 0.33), "all statements and COMMIT")
        both = [
            (batches * BATCH / taken, copied) for taken, (_, copied) in zip(whole[1:], pairs, strict=True)
        ]
        yield row(f"{name}: bytes to commit", "events/s", both, None, "one thread")


def counting(codes: list[str], rounds: int, batches: int = 10) -> Iterator[Row]:
    """`ingest()` by an account's own key: with what it sends counted for the key, and without."""
    from accounts.keys import create_key
    from accounts.models import Account
    from accounts.scope import installation_scope
    from billing.usage.ingest import ingest

    with installation_scope():
        account = Account.objects.get(code=codes[0])
        key, _ = create_key("benchmark", ["ingest"], account)
    maker = Maker(codes[:1], "counting")

    def rate(key_id: UUID | None) -> float:
        bodies = [maker.body(BATCH) for _ in range(batches)]
        taken = seconds(
            lambda: [_accepted(ingest(one, "application/json", account, key_id)) for one in bodies]
        )
        return batches * BATCH / taken

    pairs = in_turn(lambda _: rate(key.pk), lambda _: rate(None), rounds)
    yield row("intake by an own key: counted / not", "events/s", pairs, (">=", 0.98), "bytes to commit")


@dataclass
class _Clock:
    total: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.total += time.perf_counter() - start


@contextmanager
def _clock() -> Iterator[_Clock]:
    """What this thread's intake spends on statements and commits while the block runs."""
    from django.db import connection

    from billing.usage.intake import batch, context
    from billing.usage.statements import together

    clock, commit = _Clock(), connection._commit  # type: ignore[attr-defined]

    @contextmanager
    def timed() -> Iterator[Any]:
        with clock.running(), together() as run:
            yield run

    def commit_timed() -> None:
        with clock.running():
            commit()

    with (
        patch.object(batch, "together", timed),
        patch.object(context, "together", timed),
        patch.object(connection, "_commit", commit_timed),
    ):
        yield clock


def _accepted(result: Any) -> None:
    assert result.accepted == BATCH, result


def owner() -> psycopg.Connection[Any]:
    """A connection of the tables' owner."""
    from django.db import connections

    wrapper = connections["owner"]
    wrapper.ensure_connection()
    settings = wrapper.settings_dict
    return psycopg.connect(host=settings["HOST"], user=settings["USER"], dbname=settings["NAME"])


def _make_table(connection: psycopg.Connection[Any]) -> None:
    """A copy of the events' table: its partitions, primary key and index, without row-level security."""
    connection.execute(
        f"CREATE TABLE {TABLE} (LIKE usage_event INCLUDING ALL) PARTITION BY HASH (account_id)"
    )
    for part in range(8):
        connection.execute(
            f"CREATE TABLE {TABLE}_{part} PARTITION OF {TABLE} FOR VALUES WITH (MODULUS 8, REMAINDER {part})"
        )
    connection.commit()


def _as_copy(events: list[dict[str, Any]]) -> bytes:
    """The events in COPY's text format, sorted by key as intake does."""
    now = datetime.now(UTC).isoformat()
    lines = [
        "\t".join(
            [
                str(int(event["subject"].rpartition("-")[2])),
                event["source"],
                event["id"],
                event["type"],
                event["time"],
                "t",
                now,
                "0",
                "f",
                json.dumps(event["data"]),
            ]
        )
        for event in events
    ]
    return ("\n".join(sorted(lines)) + "\n").encode()


def _copy(connection: psycopg.Connection[Any], text: bytes) -> None:
    columns = 'account_id, source, event_id, type, "time", timed, received_at, revision, voided, data'
    with connection.cursor() as cursor, cursor.copy(f"COPY {TABLE} ({columns}) FROM STDIN") as copy:
        copy.write(text)
    connection.commit()
