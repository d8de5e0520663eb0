"""Figures of an account at 1 and at 10 million events: does a page become slower as the store fills?"""

from collections.abc import Iterator
from typing import Any

from tests.benchmarks.copying import owner
from tests.benchmarks.measure import Row, figure, seconds

SHARE = 20
"""The account measured has one event in so many."""

_FILL = """
    INSERT INTO usage_event
        (account_id, source, event_id, type, "time", received_at, revision, timed, voided, data)
    SELECT (%(accounts)s::bigint[])[1 + n %% cardinality(%(accounts)s::bigint[])], 'filled', 'f-' || n,
           'llm.completion', now() - (n %% 1700000) * interval '1 second', now(), 0, true, false,
           jsonb_build_object('tokens', n %% 4000, 'model', (ARRAY['small', 'large'])[1 + n %% 2], 'region', 'eu')
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n"""


def rows(codes: list[str], sizes: tuple[int, int], runs: int) -> Iterator[Row]:
    """Growth from the first size to the second: of the spend as the portal prices it, and of a sum over raw rows."""
    from accounts.models import Account
    from accounts.scope import installation_scope

    with installation_scope():
        found = dict(Account.objects.filter(code__in=codes).values_list("code", "pk"))
    chosen, filled = codes[0], 0
    taken = dict[str, list[float]]()
    for size in sizes:
        fill([found[code] for code in codes], filled, size, _FILL)
        filled = size
        spend, raw = _spend(found[chosen]), _raw_sum(found[chosen])
        taken.setdefault("spend", []).append(min(seconds(spend) for _ in range(runs)))
        taken.setdefault("raw", []).append(min(seconds(raw) for _ in range(max(2, runs // 4))))
    for name, what, gate in (
        ("spend", "spend of an account, growth", ("<=", 1.3)),
        ("raw", "SUM over its raw rows, growth", None),
    ):
        small, large = taken[name]
        note = f"{small * 1000:.1f} ms at {sizes[0]:,} events, {large * 1000:.1f} ms at {sizes[1]:,}"
        yield figure(what, "x", [large / small], gate, note)


def fill(accounts: list[int], done: int, size: int, statement: str) -> None:
    """Events straight into the table, then their day totals, as a rebuild makes them."""
    from billing.usage.rebuild import rebuild

    insert(accounts, done, size, statement)
    rebuild()
    with owner() as connection:
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE usage_daytotal")


def insert(accounts: list[int], done: int, size: int, statement: str) -> None:
    """Events of numbers above `done`, up to `size`, shared out among the accounts."""
    with owner() as connection:
        connection.execute("SELECT set_config('plainbill.account', '*', false)")
        for first in range(done + 1, size + 1, 500_000):
            last = min(first + 499_999, size)
            connection.execute(statement, {"accounts": accounts, "first": first, "last": last})
            connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE usage_event")


def _spend(account_id: int) -> Any:
    from django.utils import timezone

    from accounts.models import Account
    from accounts.scope import account_scope
    from billing.invoices.drafts import draft_invoice
    from billing.plans.queries import period_at

    def work() -> None:
        with account_scope(account_id):
            account, now = Account.objects.get(pk=account_id), timezone.now()
            period = period_at(account, now)
            assert period is not None
            assert draft_invoice(account, period, now).usage_total > 0

    return work


def _raw_sum(account_id: int) -> Any:
    from django.db import connection

    from accounts.scope import account_scope

    def work() -> None:
        with account_scope(account_id), connection.cursor() as cursor:
            cursor.execute(
                "SELECT sum((data ->> 'tokens')::numeric) FROM usage_event WHERE account_id = %s AND NOT voided",
                [account_id],
            )

    return work
