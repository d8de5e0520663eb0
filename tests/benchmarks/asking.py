"""The allowance check against the cheapest question there is, and reservations of many callers at once."""

import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from tests.benchmarks.events import Maker
from tests.benchmarks.measure import Row, figure, in_turn, row, seconds
from tests.benchmarks.sender import exchange
from tests.benchmarks.servers import product as serving

CALLERS = 16
CLIENTS = 4


def rows(codes: list[str], rounds: int, asked: int = 100) -> Iterator[Row]:
    """`asked`: questions of a round."""
    from accounts.models import Account
    from accounts.scope import installation_scope
    from billing.limits.actions import set_limit
    from billing.usage.ingest import ingest

    with installation_scope():
        account = Account.objects.get(code=codes[0])
        set_limit(account, Decimal(1_000_000), "stop", [50, 80, 100])
    maker = Maker(codes[:1], "asking", days=20)
    for _ in range(5):
        ingest(maker.body(1_000), "application/json")
    yield from _in_the_database(account, rounds, asked)
    yield from _together(account, asked)
    yield from _over_http(account.code, asked)


def _in_the_database(account: Any, rounds: int, asked: int) -> Iterator[Row]:
    """The one statement of an allowance, and SELECT by primary key; and all of the answer, pricing included."""
    from django.utils import timezone

    from accounts.models import Account
    from accounts.scope import account_scope
    from billing.limits.queries import allowance
    from billing.limits.queries.books import read_rows

    def read(number: int) -> float:
        with account_scope(account.pk):
            return _median(lambda: seconds(lambda: read_rows(account.pk, timezone.now())), asked)

    def answer(number: int) -> float:
        with account_scope(account.pk):
            return _median(lambda: seconds(lambda: allowance(account, at=timezone.now())), asked)

    def by_key(number: int) -> float:
        with account_scope(account.pk):
            return _median(
                lambda: _database_seconds(
                    lambda: Account.objects.filter(pk=account.pk).values_list("pk").get()
                ),
                asked,
            )

    note = "3 charges, sum and count, 20 days"
    yield row(
        "allowance in the database / SELECT by key", "ms", in_turn(read, by_key, rounds), ("<=", 2.0), note
    )
    name = "allowance, read and priced / SELECT by key"
    yield row(name, "ms", in_turn(answer, by_key, rounds), None, note)


def _together(account: Any, asked: int) -> Iterator[Row]:
    """Callers of one account who each reserve again as soon as they are answered; the last ones pass the limit."""
    from django.db import connection

    from accounts.scope import account_scope, installation_scope
    from billing.limits.actions import Refused, make_ask, reserve
    from billing.limits.desk import Desk
    from billing.plans.models import Meter

    with installation_scope():
        wanted = make_ask(Meter.objects.get(code="requests"), Decimal(1), {}, 60)
    transactions = list[float]()

    def decide(account: Any, asks: Any) -> Any:
        begun = time.perf_counter()
        with account_scope(account.pk):
            found = reserve(account, asks)
        transactions.append(time.perf_counter() - begun)
        return found

    desk, taken = Desk(decide), list[float]()

    def call() -> None:
        for _ in range(asked):
            taken.append(seconds(lambda: desk.reserve(account, wanted)))
        connection.close()

    _threads([call] * CALLERS)
    assert not isinstance(desk.reserve(account, wanted), Refused)
    note = f"{CALLERS} callers of one account, {len(taken) / len(transactions):.1f} in a transaction"
    p99 = [_percentile(taken, 99) * 1000]
    yield figure("reserve, p99 of a caller", "ms", p99, None, note)
    p99 = [_percentile(transactions, 99) * 1000]
    middle = statistics.median(transactions) * 1000
    yield figure(
        "reserve in the database, p99", "ms", p99, ("<=", 5.0), f"one transaction; p50 {middle:.2f} ms"
    )


def _over_http(code: str, asked: int) -> Iterator[Row]:
    """p50 and p99 of four clients, beside a request of the same server that asks nothing."""
    from accounts.keys import create_key
    from accounts.scope import installation_scope

    with installation_scope():
        key = create_key("asking", ["ingest"])[1]
    with serving() as server:
        for name, path in (("no-op", "/healthz"), ("allowance", f"/api/v1/accounts/{code}/allowance")):
            message = (
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
            )
            taken = _clients(server.port, message, asked)
            for percent in (50, 99):
                value = [_percentile(taken, percent) * 1000]
                yield figure(f"HTTP, {name}, p{percent}", "ms", value, None, f"{CLIENTS} clients")


def _clients(port: int, message: bytes, asked: int) -> list[float]:
    taken = list[float]()

    def call() -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            exchange(connection, message)
            for _ in range(asked):
                taken.append(seconds(lambda: exchange(connection, message)))

    _threads([call] * CLIENTS)
    return taken


def _threads(work: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) * percent // 100, len(values) - 1)]


def _median(measured: Callable[[], float], times: int) -> float:
    """In ms."""
    return statistics.median(measured() for _ in range(times)) * 1000


def _database_seconds(work: Callable[[], object]) -> float:
    """The part of `work` that its statements take."""
    from django.db import connection

    total = 0.0

    def timed(execute: Any, *args: Any) -> Any:
        nonlocal total
        result = None

        def run() -> None:
            nonlocal result
            result = execute(*args)

        total += seconds(run)
        return result

    with connection.execute_wrapper(timed):
        work()
    return total
