"""Intake against COPY: the same rows into the same table with its unique index, a commit for each thousand."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg

from tests.benchmarks.events import Maker
from tests.benchmarks.measure import Row, in_turn, row, seconds

BATCH = 1_000
TABLE = "bench_copied"


def rows(codes: list[str], rounds: int, batches: int = 10) -> Iterator[Row]:
    """`ingest()` from bytes to commit (parsing, dedupe and day totals included), and COPY, `batches` at a time."""
    from billing.usage.ingest import ingest

    maker = Maker(codes, "copying")
    with owner() as connection:
        _make_table(connection)

        def product(number: int) -> float:
            bodies = [maker.body(BATCH) for _ in range(batches)]
            return (
                batches
                * BATCH
                / seconds(lambda: [_accepted(ingest(body, "application/json")) for body in bodies])
            )

        def yardstick(number: int) -> float:
            texts = [_as_copy(maker.events(BATCH)) for _ in range(batches)]
            return batches * BATCH / seconds(lambda: [_copy(connection, text) for text in texts])

        yield row(
            "intake in process, 1,000 a batch / COPY",
            "events/s",
            in_turn(product, yardstick, rounds),
            (">=", 0.33),
        )


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
