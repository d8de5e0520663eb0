"""Intake over HTTP: against the naive application, and by itself. Senders wait for each answer before they go on."""

import json
import time
from collections.abc import Iterator
from typing import Any

from tests.benchmarks.events import Maker
from tests.benchmarks.measure import Row, figure, in_turn, row
from tests.benchmarks.sender import request, send
from tests.benchmarks.servers import naive, product

SENDERS = 16
JSON = {"Content-Type": "application/json"}


def rows(codes: list[str], rounds: int, scale: float = 1.0) -> Iterator[Row]:
    """`scale`: of the number of events of a round."""
    headers, maker = sending_headers(), Maker(codes, "posting")

    with naive() as other, product() as server:

        def plain(number: int) -> float:
            count = int(1_600 * scale)
            queues = [
                [_naive_request(maker.event()) for _ in range(count // SENDERS)] for _ in range(SENDERS)
            ]
            return count / send(other, queues)

        def ours(batch: int, count: int, senders: int, subjects: Maker = maker) -> float:
            queues = [
                [
                    request("/api/v1/events", subjects.body(batch), headers)
                    for _ in range(max(1, count // batch // senders))
                ]
                for _ in range(senders)
            ]
            return sum(map(len, queues)) * batch / send(server.port, queues)

        server.rest()
        note = f"{SENDERS} senders; yardstick: one row a request"
        pairs = in_turn(lambda _: ours(1, int(3_200 * scale), SENDERS), plain, rounds)
        yield row("HTTP, one event a request / naive", "events/s", pairs, (">=", 3.5), note)
        pairs = in_turn(lambda _: ours(100, int(64_000 * scale), SENDERS), plain, rounds)
        yield row("HTTP, 100 a request / naive", "events/s", pairs, (">=", 100), note)
        rates = [ours(1_000, int(80_000 * scale), 4) for _ in range(rounds + 1)][1:]
        yield figure(
            "HTTP, 1,000 a request, 4 senders", "events/s", rates, (">=", 20_000), "one server process"
        )
        hot, before = Maker(codes[:1], "hot"), deadlocks()
        for senders in (1, 4, 8):
            rates = [ours(1_000, int(40_000 * scale), senders, hot) for _ in range(rounds)]
            yield figure(f"one hot account, {senders} senders of 1,000", "events/s", rates, None)
        yield figure("deadlocks with one hot account", "", [deadlocks() - before], ("<=", 0))


def sending_headers() -> dict[str, str]:
    """Of a sender with a key of the installation."""
    from accounts.keys import create_key
    from accounts.scope import installation_scope

    with installation_scope():
        return {"Authorization": f"Bearer {create_key('benchmark', ['ingest'])[1]}", **JSON}


def _naive_request(event: dict[str, Any]) -> bytes:
    body = {
        "subject": event["subject"],
        "event_id": event["id"],
        "type": event["type"],
        "time": event["time"],
        "tokens": str(event["data"]["tokens"]),
        "data": event["data"],
    }
    return request("/events/", json.dumps(body).encode(), JSON)


def deadlocks() -> int:
    """How many PostgreSQL has counted; a connection tells of its own at most once a second."""
    from django.db import connection

    time.sleep(2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
