"""Slow, broken and hostile senders at a real server: it answers or hangs up, and the next good event counts."""

import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from portal.intake.app import BODY_SECONDS
from tests.patience import PATIENCE
from tests.server.running import Demo
from tests.server.selling import event, sell

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]
HEADERS_SECONDS = 30.0
"""After which the server gives up on headers that do not end (granian's --http1-header-read-timeout)."""
SENDERS = 200
KEEP_OPEN = "open"


@pytest.fixture(scope="module")
def account(demo: Demo) -> str:
    code = f"besieged-{uuid4().hex[:6]}"
    with demo.client() as api:
        sell(api, code)
    return code


def post(demo: Demo, *headers: str, version: str = "1.1") -> bytes:
    """The head of a request with the ingest key, and `headers` as they are."""
    key = demo.info["api_keys"]["ingest"]
    lines = [f"POST /api/v1/events HTTP/{version}", "Host: 127.0.0.1", f"Authorization: Bearer {key}"]
    return "\r\n".join([*lines, "Content-Type: application/json", *headers, "", ""]).encode()


def body(account: str) -> bytes:
    return json.dumps([event(account, str(uuid4()))]).encode()


def length(content: bytes, more: int = 0) -> str:
    return f"Content-Length: {len(content) + more}"


def chunk(content: bytes) -> bytes:
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


def talk(port: int, message: bytes, hang_up: bool = False) -> tuple[bytes, str]:
    """What came back until the server hung up or, with "open", kept silent for a while."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        received = bytearray()
        try:
            connection.sendall(message)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
            connection.settimeout(PATIENCE)
            while data := connection.recv(65536):
                received += data
                connection.settimeout(3)
        except TimeoutError:
            return bytes(received), KEEP_OPEN
        except OSError:
            pass  # it hung up while we wrote
        return bytes(received), "closed"


def statuses(received: bytes) -> list[int]:
    return [int(part[:3]) for part in received.replace(b"HTTP/1.0 ", b"HTTP/1.1 ").split(b"HTTP/1.1 ")[1:]]


def stored(demo: Demo, account: str) -> int:
    with demo.client("read") as api:
        answer = api.get(f"/accounts/{account}/usage?meter=calls&granularity=none")
        assert answer.status_code == 200, answer.text
        return sum(row["events"] for row in answer.json()["rows"])


def good_event_counts(demo: Demo, account: str) -> None:
    with demo.client("ingest") as api:
        answer = api.post("/events", json=[event(account, str(uuid4()))])
        assert answer.json()["accepted"] == 1, answer.text


type Message = Callable[[Demo, bytes], bytes]
BAD: dict[str, tuple[Message, set[int]]] = {
    "10,000 headers (ingest-137)": (
        lambda demo, content: post(demo, *["X-A: b"] * 10_000, length(content)) + content,
        {400, 431},
    ),
    "a header of 1 MB": (
        lambda demo, content: post(demo, "X-A: " + "b" * 1_000_000, length(content)) + content,
        {400, 431},
    ),
    "an address of 100 kB": (
        lambda demo, content: (
            post(demo, length(content)).replace(b"/events", b"/events?" + b"a" * 100_000) + content
        ),
        {400, 414},
    ),
    "a NUL in a header's name": (
        lambda demo, content: post(demo, "X\0: b", length(content)) + content,
        {400},
    ),
    "no Host": (
        lambda demo, content: post(demo, length(content)).replace(b"Host: 127.0.0.1\r\n", b"") + content,
        {400},
    ),
    "two lengths": (
        lambda demo, content: post(demo, length(content), length(content, 1)) + content,
        {400},
    ),
    "a negative length": (lambda demo, content: post(demo, "Content-Length: -1") + content, {400}),
    "a length of 20 MB": (lambda demo, content: post(demo, "Content-Length: 20000000") + content, {413}),
    "20 MB in chunks": (
        lambda demo, content: (
            post(demo, "Transfer-Encoding: chunked") + chunk(b" " * 65536) * 320 + chunk(b"")
        ),
        {413},
    ),
    "a chunk's size that is none": (
        lambda demo, content: post(demo, "Transfer-Encoding: chunked") + b"zz\r\n" + content,
        {400},
    ),
    "neither length nor chunks": (lambda demo, content: post(demo) + content, {400}),
    "HTTP/9.9": (lambda demo, content: post(demo, length(content), version="9.9") + content, {400, 505}),
    "TLS": (lambda demo, content: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 100, {400}),
    "a websocket": (
        lambda demo, content: post(
            demo, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"
        ).replace(b"POST", b"GET"),
        {405},
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_refused(demo: Demo, account: str, name: str) -> None:
    message, expected = BAD[name]
    before = stored(demo, account)
    received, _ = talk(demo.port, message(demo, body(account)))
    # What follows a request without a length is read as the next one, and refused too.
    assert set(statuses(received)) <= expected
    assert statuses(received) or name == "20 MB in chunks", "refused while we wrote: the answer may be lost"
    assert stored(demo, account) == before
    good_event_counts(demo, account)


GOOD: dict[str, tuple[Message, list[int], int]] = {
    "chunks without a length": (
        lambda demo, content: (
            post(demo, "Transfer-Encoding: chunked") + chunk(content[:9]) + chunk(content[9:]) + chunk(b"")
        ),
        [200],
        1,
    ),
    "HTTP/1.0": (lambda demo, content: post(demo, length(content), version="1.0") + content, [200], 1),
    "more than its length": (
        lambda demo, content: post(demo, length(content)) + content + b"and more\r\n\r\n",
        [200, 400],
        1,
    ),
    "requests one behind the other": (
        lambda demo, content: b"".join(
            post(demo, length(each)) + each
            for each in (content.replace(b"/calls", b"/calls/%d" % number) for number in range(5))
        ),
        [200] * 5,
        5,
    ),
    "90 headers": (
        lambda demo, content: post(demo, *["X-A: b"] * 90, length(content)) + content,
        [200],
        1,
    ),
    "Expect: 100-continue": (
        lambda demo, content: post(demo, "Expect: 100-continue", length(content)) + content,
        [200],
        1,
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_an_unusual_request_is_taken(demo: Demo, account: str, name: str) -> None:
    message, expected, events = GOOD[name]
    before = stored(demo, account)
    received, _ = talk(demo.port, message(demo, body(account)))
    assert [status for status in statuses(received) if status != 100] == expected
    assert stored(demo, account) == before + events
    good_event_counts(demo, account)


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_that_breaks_off_is_not_stored(demo: Demo, account: str, framing: str) -> None:
    """Whole events of a request whose end is missing might be a part of a batch: none counts."""
    content, before = body(account), stored(demo, account)
    head = (
        post(demo, length(content, 10)) if framing == "length" else post(demo, "Transfer-Encoding: chunked")
    )
    received, end = talk(demo.port, head + (content if framing == "length" else chunk(content)), hang_up=True)
    assert (statuses(received), end) == ([400], "closed")
    assert stored(demo, account) == before
    good_event_counts(demo, account)


def test_a_body_that_breaks_off_elsewhere(demo: Demo) -> None:
    head = f"PUT /api/v1/catalog HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {demo.info['api_keys']['manage']}"
    message = f"{head}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    received, end = talk(demo.port, message.encode(), hang_up=True)
    assert (statuses(received), end) == ([400], "closed")


def test_who_is_gone_before_the_answer(demo: Demo, account: str) -> None:
    """A half closed behind a whole request, and a connection torn down: sent again, each counts once."""
    contents = [body(account) for _ in range(10)]
    before = stored(demo, account)
    for number, content in enumerate(contents):
        message = post(demo, length(content)) + content
        if number % 2:
            talk(demo.port, message, hang_up=True)
        else:
            with socket.create_connection(("127.0.0.1", demo.port)) as connection:
                connection.sendall(message)
    with demo.client("ingest") as api:
        for content in contents:
            answer = api.post("/events", json=json.loads(content)).json()
            assert answer["accepted"] + answer["duplicates"] == 1, answer
    assert stored(demo, account) == before + len(contents)


def trickle(port: int, head: bytes, stop: threading.Event) -> tuple[list[int], float]:
    """One byte a second behind `head`, until the server hangs up: its answers, and the seconds it took."""
    start, received = time.monotonic(), bytearray()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(1)
        try:
            connection.sendall(head)
            while not stop.is_set():
                connection.sendall(b" " if head.endswith(b"\r\n\r\n") else b"x")
                try:
                    data = connection.recv(65536)
                except TimeoutError:
                    continue
                if not data:
                    break
                received += data
        except OSError:
            pass  # it hung up while we wrote
    return statuses(bytes(received)), time.monotonic() - start


def test_slow_senders_are_ended_and_hold_up_nobody(demo: Demo, account: str) -> None:
    """ingest-135: 200 bodies at a byte a second, and some heads that never end; the health check answers meanwhile."""
    before, stop = stored(demo, account), threading.Event()
    slow_body = post(demo, "Content-Length: 1000")
    slow_head = post(demo).removesuffix(b"\r\n") + b"X-A: "
    with ThreadPoolExecutor(SENDERS + 20) as pool:
        bodies = [pool.submit(trickle, demo.port, slow_body, stop) for _ in range(SENDERS)]
        heads = [pool.submit(trickle, demo.port, slow_head, stop) for _ in range(20)]
        slowest, deadline = 0.0, time.monotonic() + BODY_SECONDS + HEADERS_SECONDS
        while not all(one.done() for one in [*bodies, *heads]) and time.monotonic() < deadline:
            start = time.monotonic()
            assert httpx.get(f"{demo.url}/healthz", timeout=PATIENCE, trust_env=False).status_code == 200
            slowest = max(slowest, time.monotonic() - start)
            good_event_counts(demo, account)
            before += 1
            time.sleep(0.5)
        ended = all(one.done() for one in [*bodies, *heads])
        stop.set()
    assert ended, "the server held on to slow senders"
    assert slowest < BODY_SECONDS, "nobody waits for them"
    answers = [one.result()[0] for one in bodies]
    assert all(each in ([408], []) for each in answers)
    assert answers.count([408]) > SENDERS * 0.9, (
        "who writes at that very moment may find it closed before reading"
    )
    assert max(one.result()[1] for one in bodies) < BODY_SECONDS + PATIENCE
    assert {tuple(one.result()[0]) for one in heads} <= {(), (408,)}
    assert max(one.result()[1] for one in heads) < HEADERS_SECONDS + PATIENCE
    assert stored(demo, account) == before
    good_event_counts(demo, account)
