"""The allowance check against the cheapest question there is: one row by its primary key."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.benchmarks.measure import Row, in_turn, row, seconds


def rows(codes: list[str], rounds: int, asked: int = 100) -> Iterator[Row]:
    """The time that the database takes for the statements of `allowance()`, and for SELECT by primary key."""
    from django.utils import timezone

    from accounts.models import Account
    from accounts.scope import account_scope, installation_scope
    from billing.limits.actions import set_limit
    from billing.limits.queries import allowance

    with installation_scope():
        account = Account.objects.get(code=codes[0])
        set_limit(account, Decimal(1_000_000), "stop", [50, 80, 100])

    def product(number: int) -> float:
        with account_scope(account.pk):
            return (
                _database_seconds(lambda: [allowance(account, at=timezone.now()) for _ in range(asked)])
                / asked
            )

    def by_key() -> object:
        return [Account.objects.filter(pk=account.pk).values_list("pk").get() for _ in range(asked)]

    def yardstick(number: int) -> float:
        with account_scope(account.pk):
            return _database_seconds(by_key) / asked

    pairs = [(a * 1000, b * 1000) for a, b in in_turn(product, yardstick, rounds)]
    yield row(
        "allowance in the database / SELECT by key", "ms", pairs, ("<=", 2.0), "3 charges, sum and count"
    )


def _database_seconds(work: Any) -> float:
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
