"""The pages of a customer with much usage, from the running server: the time until the first byte of each answer."""

import socket
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from tests.benchmarks.copying import owner
from tests.benchmarks.measure import Row
from tests.benchmarks.reading import insert
from tests.benchmarks.servers import product
from tests.benchmarks.site import settle

ACCOUNTS: Final = 20
"""The one measured has one event in so many."""

SINCE: Final = timedelta(days=400)
GATE: Final = ("<=", 200.0)
EXPLORER: Final = ("<=", 400.0)
YARDSTICK: Final = "/healthz"

# Every second event is of the last 30 days, the others of the year.
_FILL: Final = """
    INSERT INTO usage_event
        (account_id, source, event_id, type, "time", received_at, revision, timed, voided, data)
    SELECT (%(accounts)s::bigint[])[1 + n %% cardinality(%(accounts)s::bigint[])], 'filled', 'f-' || n,
           'llm.completion',
           now() - (n * 7919 %% CASE n / 20 %% 2 WHEN 0 THEN 2592000 ELSE 31536000 END) * interval '1 second',
           now(), 0, true, false,
           jsonb_build_object('tokens', n %% 4000, 'model', (ARRAY['small', 'large'])[1 + n / 40 %% 2],
                              'region', 'r' || n / 80 %% 12)
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n"""

# The tables are then as large as they would be; nobody looks at these accounts.
_COPY: Final = (
    """INSERT INTO usage_rollupzone (account_id, timezone)
       SELECT other, timezone FROM usage_rollupzone, unnest(%(others)s::bigint[]) AS other
       WHERE account_id = %(account)s ON CONFLICT DO NOTHING""",
    """INSERT INTO usage_daytotal
           (account_id, meter_id, day, key, dimensions, events, total, maximum, arrived_at)
       SELECT other, meter_id, day, key, dimensions, events, total, maximum, arrived_at
       FROM usage_daytotal, unnest(%(others)s::bigint[]) AS other WHERE account_id = %(account)s""",
)


def rows(events: int, asked: int) -> Iterator[Row]:
    """A row for each page: p95 of `asked` requests of one client, each followed by one that asks nothing."""
    from accounts.models import Account
    from accounts.scope import installation_scope

    (code,), others = settle(1, "pages", SINCE), settle(ACCOUNTS - 1, "others")
    with installation_scope():
        account = Account.objects.get(code=code)
        ids = list(Account.objects.filter(code__in=others).values_list("pk", flat=True))
    _fill(account, ids, events)
    addresses = _with_a_life(account)
    cookie = _signed_in(account)
    with product() as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        server.rest()
        for name, (address, gate) in addresses.items():
            yield _row(f"page, TTFB p95: {name}", client, _message(address, cookie), gate, asked)


def _fill(account: Any, others: list[int], events: int) -> None:
    """Events of all accounts; the day totals of the one measured, which stand for those of the others too."""
    from billing.usage.rebuild import rebuild

    rebuild()  # of nothing yet: from now on totals are read
    insert([account.pk, *others], 0, events, _FILL)
    rebuild(account=account)
    with owner() as connection:
        connection.execute("SELECT set_config('plainbill.account', '*', false)")
        for statement in _COPY:
            connection.execute(statement, {"account": account.pk, "others": others})
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE usage_daytotal")


def _row(name: str, client: socket.socket, message: bytes, gate: tuple[str, float], asked: int) -> Row:
    nothing, taken, beside = _message(YARDSTICK), list[float](), list[float]()
    for _ in range(2):  # what the first request loads, the next ones share
        _first_byte(client, message)
    for _ in range(asked):
        taken.append(_first_byte(client, message))
        beside.append(_first_byte(client, nothing))
    middle, worst = _percentile(taken, 50), _percentile(taken, 95)
    note = f"p50 {middle:.0f} ms of {asked}"
    return Row(name, "ms", worst, _percentile(beside, 95), worst, (min(taken), max(taken)), gate, note)


def _with_a_life(account: Any) -> dict[str, tuple[str, tuple[str, float]]]:
    """Invoices of all that is over and a limit; then each page with its address and gate."""
    from django.utils import timezone

    from accounts.scope import account_scope
    from billing.invoices.actions import bill_account
    from billing.invoices.models import InvoiceLine
    from billing.limits.actions import set_limit
    from billing.usage.queries import events_page

    now = timezone.now()
    with account_scope(account.pk):
        bill_account(account, now)
        set_limit(account, Decimal(1_000_000), "stop")
        line = InvoiceLine.objects.filter(account=account, kind="usage").latest("invoice__issued_at")
        event = events_page(account, limit=1).events[0]
        return _addresses(now, line, event)


def _addresses(now: datetime, line: Any, event: Any) -> dict[str, tuple[str, tuple[str, float]]]:
    from django.urls import reverse

    from portal.pages.events import event_url

    def page(name: str, *args: object, query: str = "") -> str:
        return reverse(f"portal:{name}", args=args) + query

    year = f"from={(now - timedelta(days=364)).date()}&to={now.date()}"
    explorer = {
        "the period": "",
        "by a dimension with totals": "?meter=tokens&by=model",
        "by a dimension without": "?meter=tokens&by=region",
        "a year": f"?{year}",
        "a year by a dimension": f"?{year}&meter=tokens&by=model",
        "beside the days before": "?compare=1",
    }
    others = {
        "overview": page("overview"),
        "events": page("events"),
        "events of a meter and dimension": page("events", query="?meter=tokens&region=r7"),
        "events of a value that none has": page("events", query="?meter=tokens&region=none"),
        "an event": event_url(event),
        "limits": page("limits"),
        "invoices": page("invoices"),
        "an invoice": page("invoice", line.invoice.number),
        "an invoice line": page("invoice_line", line.invoice.number, line.pk),
        "upcoming": page("upcoming"),
        "plan": page("plan"),
        "simulate": page("simulate"),
        "simulate a year under a limit": page("simulate", query="?months=12&limit=100"),
    }
    return {
        **{f"explorer, {name}": (page("usage", query=query), EXPLORER) for name, query in explorer.items()},
        **{name: (address, GATE) for name, address in others.items()},
    }


def _signed_in(account: Any) -> str:
    """The cookies of an owner."""
    from django.test import Client

    from accounts.models import User
    from accounts.scope import installation_scope

    with installation_scope():
        user = User.objects.create_user("owner@pages.example.com")
        account.memberships.create(user=user, role="owner")
        client = Client()
        client.force_login(user)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())


def _message(address: str, cookie: str = "") -> bytes:
    lines = [f"GET {address} HTTP/1.1", "Host: 127.0.0.1", "Accept-Encoding: gzip"]
    return "\r\n".join([*lines, *([f"Cookie: {cookie}"] if cookie else []), "", ""]).encode()


def _first_byte(client: socket.socket, message: bytes) -> float:
    """Milliseconds from the request to the first byte of its answer, which is read to its end and must be a 200."""
    start = time.perf_counter()
    client.sendall(message)
    answer = client.recv(65536)
    taken = (time.perf_counter() - start) * 1000
    while b"\r\n\r\n" not in answer:
        answer += client.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    while len(body) < int(lengths[0].split(b":")[1]):
        body += client.recv(65536)
    return taken


def _percentile(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) * percent // 100, len(values) - 1)]
