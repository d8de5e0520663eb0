"""Open overviews: what each costs the server, and how soon it shows an event that was just accepted."""

import json
import selectors
import socket
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.benchmarks.measure import Row, figure
from tests.benchmarks.posting import sending_headers
from tests.benchmarks.sender import exchange, request
from tests.benchmarks.servers import product

TOKENS = 1_234_567
"""Of each event: their sum is in the page's text and nothing else is."""

OPEN_SECONDS = 600
PATIENCE_SECONDS = 30


def rows(codes: list[str], count: int, events: int) -> Iterator[Row]:
    """`count` streams of accounts with usage, then `events` of another account that has one more stream."""
    headers, watched = sending_headers(), codes[-1]
    cookies = [_signed_in(code) for code in codes]
    with product() as server, socket.create_connection(("127.0.0.1", server.port)) as sender:
        for code in codes:
            _post(sender, headers, code, 0)
        first = [_open(server.port, cookie) for cookie in cookies]
        _read_all(first, b"\ndata: ")  # what the first ones load, all share
        before, own = server.memory(), len(codes) - 1
        marks = [_mark(code) for code in codes]
        streams = [_open(server.port, cookies[number % own], marks[number % own]) for number in range(count)]
        _read_all(streams, b"\n: still here")
        each = (server.memory() - before) * 1024 / count
        yield figure(f"open live streams, {count:,} in one process", "KiB each", [each], ("<=", 50))
        with _open(server.port, cookies[-1]) as own:
            taken = [_until_shown(sender, headers, watched, own, number) for number in range(1, events + 1)]
        for stream in [*first, *streams]:
            stream.close()
    worst = statistics.quantiles(taken, n=20)[-1] if len(taken) > 1 else taken[0]
    note = f"median {statistics.median(taken):.2f} s of {events}, {count:,} other streams open"
    yield figure("event accepted to figure on the stream, p95", "s", [worst], ("<=", 2.0), note)


def _signed_in(code: str) -> str:
    """The cookies of a new member of the account."""
    from django.test import Client

    from accounts.models import Account, Membership, User
    from accounts.scope import installation_scope

    with installation_scope():
        user = User.objects.create_user(f"streaming@{code}.example.com")
        Membership.objects.create(account=Account.objects.get(code=code), user=user, role="viewer")
        client = Client()
        client.force_login(user)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())


def _post(sender: socket.socket, headers: dict[str, str], code: str, number: int) -> None:
    event = {
        "specversion": "1.0",
        "id": f"{code}-{number}",
        "source": "streaming",
        "type": "llm.completion",
        "subject": code,
        "time": datetime.now(UTC).isoformat(),
        "data": {"tokens": TOKENS, "model": "small", "region": "eu"},
    }
    assert json.loads(exchange(sender, request("/api/v1/events", json.dumps(event).encode(), headers)))[
        "accepted"
    ]


def _mark(code: str) -> str:
    """What a page that is drawn now hands to its stream."""
    from accounts.models import Account
    from accounts.scope import installation_scope
    from billing.usage.queries import usage_mark

    with installation_scope():
        return usage_mark(Account.objects.get(code=code))


def _open(port: int, cookie: str, seen: str = "") -> socket.socket:
    stream = socket.create_connection(("127.0.0.1", port))
    head = f"GET /billing/live/?seen={seen} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n"
    stream.sendall(head.encode())
    return stream


def _read_all(streams: list[socket.socket], wanted: bytes) -> None:
    """Until each has sent what is `wanted`."""
    found, deadline = dict.fromkeys(streams, b""), time.monotonic() + OPEN_SECONDS
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            assert time.monotonic() < deadline, f"{len(selector.get_map())} streams are silent"
            for key, _ in selector.select(1):
                stream = key.fileobj
                assert isinstance(stream, socket.socket)
                part = stream.recv(65536)
                found[stream] = (found[stream] + part)[-200_000:]
                assert part, found[stream][:1000]
                if wanted in found[stream]:
                    selector.unregister(stream)


def _until_shown(
    sender: socket.socket, headers: dict[str, str], code: str, stream: socket.socket, number: int
) -> float:
    """Seconds from the answer to an event until the stream has sent its figure."""
    wanted, text = f"{(number + 1) * TOKENS:,}".encode(), b""
    _post(sender, headers, code, number)
    start = time.perf_counter()
    stream.settimeout(PATIENCE_SECONDS)
    while wanted not in text:
        text = (text + stream.recv(65536))[-200_000:]
    taken = time.perf_counter() - start
    time.sleep(0.3 + 0.1 * (number % 10))  # events come at any moment of the stream's second
    return taken
