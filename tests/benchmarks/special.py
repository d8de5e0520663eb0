"""Distinct values, latest values and levels over a month of an account: do they become slower as its store fills?"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from tests.benchmarks.copying import owner
from tests.benchmarks.events import account_values
from tests.benchmarks.measure import Row, figure, seconds

DAYS = 30
METERS = [
    {
        "code": "users",
        "event_type": "login",
        "aggregation": "unique",
        "value": "user",
        "dimensions": ["plan"],
    },
    {
        "code": "seats",
        "event_type": "seats",
        "aggregation": "latest",
        "value": "seats",
        "dimensions": ["team"],
    },
    {
        "code": "disk",
        "event_type": "disk",
        "aggregation": "time_weighted",
        "value": "gb",
        "dimensions": ["bucket"],
    },
]
_FILL = """
    INSERT INTO usage_event
        (account_id, source, event_id, type, "time", received_at, revision, timed, voided, data)
    SELECT %(account)s, 'filled', 'f-' || n, (ARRAY['login', 'seats', 'disk'])[1 + n %% 3],
           now() - (n * 7919 %% 2592000) * interval '1 second', now(), 0, true, false,
           jsonb_build_object('user', 'u' || n * 31 %% 500, 'plan', 'p', 'seats', n %% 90, 'team', 't' || n %% 5,
                              'gb', n %% 400, 'bucket', 'b' || n / 3 %% 50)
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n"""


def rows(sizes: tuple[int, int], runs: int) -> Iterator[Row]:
    """Growth from the first size to the second of whole days from totals, and, beside it, from events."""
    from accounts.models import Account
    from accounts.scope import installation_scope
    from billing.usage.rebuild import rebuild
    from portal import acts

    with installation_scope():
        acts.load_catalog({"catalog": 1, "meters": [{"name": "M", "unit": "u", **meter} for meter in METERS]})
        account: Account = acts.create_account(account_values("special"))
    taken, filled = dict[tuple[str, bool], list[float]](), 0
    for size in sizes:
        _fill(account, filled + 1, size)
        filled = size
        rebuild(account=account)
        _vacuum()
        for meter in METERS:
            for from_events in (False, True):
                ask = _question(account, str(meter["code"]), from_events)
                times = taken.setdefault((str(meter["aggregation"]), from_events), [])
                times.append(min(seconds(ask) for _ in range(max(2, runs // 4) if from_events else runs)))
    for (aggregation, from_events), (small, large) in taken.items():
        note = f"{small * 1000:.1f} ms at {sizes[0]:,} events, {large * 1000:.1f} ms at {sizes[1]:,}"
        name = f"{aggregation} over a month, growth" + (" from events" if from_events else "")
        gate = (
            None if from_events or sizes[0] < 100_000 else ("<=", 1.3)
        )  # with fewer, days have no event of many values
        yield figure(name, "x", [large / small], gate, note)


def _fill(account: Any, first: int, last: int) -> None:
    from accounts.scope import account_scope
    from billing.usage.models import RollupZone

    with account_scope(account.pk):
        RollupZone.objects.get_or_create(account=account, defaults={"timezone": account.timezone})
    with owner() as connection:
        connection.execute("SELECT set_config('plainbill.account', '*', false)")
        connection.execute(_FILL, {"account": account.pk, "first": first, "last": last})
        connection.commit()


def _vacuum() -> None:
    """As the server does by itself, a little later."""
    with owner() as connection:
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE usage_event, usage_daytotal, usage_daylevel")


def _question(account: Any, code: str, from_events: bool) -> Any:
    """The last days up to midnight, as a bill of whole days asks for them."""
    from accounts.scope import account_scope
    from billing.plans.models import Meter
    from billing.usage.days import day_bounds, day_of
    from billing.usage.queries import usage_rows
    from billing.usage.reading import levels, measures, special

    today = day_of(account.timezone, datetime.now(UTC))
    end = day_bounds(account.timezone, today)[0]
    start = day_bounds(account.timezone, today - timedelta(days=DAYS - 1))[0]

    def work() -> None:
        with account_scope(account.pk):
            found = usage_rows(account, Meter.objects.get(code=code), start, end, "none")
            assert found[0].quantity > 0

    def from_raw() -> None:
        with (
            patch.object(measures, "is_served", lambda *_: False),
            patch.object(special, "is_served", lambda *_: False),
            patch.object(levels, "is_served", lambda *_: False),
        ):
            work()

    return from_raw if from_events else work
