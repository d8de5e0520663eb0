"""POST /events straight from ASGI: the same answers as the plain view, and what only a server meets."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Account, ApiKey
from accounts.scope import installation_scope
from billing.plans.actions import Actor
from billing.plans.models import Plan
from billing.usage.models import DayTotal, Event
from portal import acts
from portal.intake import app
from portal.intake.keys import Keys
from portal.intake.writers import Writers
from tests.api.calls import EVENT
from tests.api.conftest import ACCOUNT, CATALOG

JSON = "application/json"
type Post = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def site(committed: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Two accounts on a plan, and keys: of the installation, of acme, and one that may only read."""
    monkeypatch.setattr(app, "keys", Keys())
    monkeypatch.setattr(app, "writers", Writers())
    with installation_scope():
        acts.load_catalog(CATALOG)
        for code in ("acme", "other"):
            account = acts.create_account({**ACCOUNT, "code": code})
            acts.subscribe(account, Plan.objects.get(code="team"), actor=Actor.INSTALLATION)
        acme = Account.objects.get(code="acme")
        texts = {
            "installation": create_key("sender", ["ingest"])[1],
            "acme": create_key("sender", ["ingest"], acme)[1],
            "reader": create_key("reader", ["read"])[1],
        }
    yield texts
    connection.close()


def event(number: int | str, **more: Any) -> dict[str, Any]:
    return {**EVENT, "id": f"e-{number}", **more}


def through_asgi[T](work: Callable[[Post], Awaitable[T]]) -> T:
    """Run `work` with a `post(key, body, **headers)` that goes to the ASGI application."""

    async def run() -> T:
        transport = httpx.ASGITransport(app=app.respond)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:

            async def post(key: str, body: Any, **headers: str) -> httpx.Response:
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                given = {"Authorization": f"Bearer {key}", "Content-Type": JSON, **headers}
                return await client.post("/api/v1/events", content=content, headers=given)

            return await work(post)

    return asyncio.run(run())


MIXED = [event("mixed-1"), event("", id=""), event("mixed-2", subject="nobody"), event("mixed-1")]
BODIES: list[tuple[str, Any, dict[str, str]]] = [
    ("installation", [event(1), event(2)], {}),
    ("installation", [event(1), event(2)], {}),
    ("installation", MIXED, {}),
    ("installation", event("single"), {"Content-Type": "application/cloudevents+json"}),
    ("installation", [], {}),
    ("installation", b"{", {}),
    ("installation", b"[" * 100_000, {}),
    ("installation", b'[{"id":"1","id":"2"}]', {}),
    ("installation", [event("x", extra="1")], {}),
    ("installation", [event("y", Extra="1")], {}),
    ("installation", [event("z")], {"Content-Type": "text/plain"}),
    ("installation", [event("z")], {"Content-Encoding": "gzip"}),
    ("installation", [event("z")], {"X-HTTP-Method-Override": "PUT"}),
    ("installation", [event("z", time="2999-01-01T00:00:00Z")], {}),
    ("installation", [event("late", data={"n": 0.5, "s": "é\u2028"})], {}),
    ("installation", [event(n, data={"k": "v"}) for n in range(5_001)], {}),
    ("acme", [event("own"), event("foreign", subject="other")], {}),
    ("acme", [event("own")], {}),
    ("reader", [event("never")], {}),
    ("pb_unknown", [event("never")], {}),
    ("", [event("never")], {}),
]


@pytest.mark.parametrize(("key", "body", "headers"), BODIES)
def test_both_doors_answer_alike(site: dict[str, str], key: str, body: Any, headers: dict[str, str]) -> None:
    """The second answer differs from the first by the events that the first one stored."""
    text = site.get(key, key)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"authorization": f"Bearer {text}", **headers}
    kind = given.pop("Content-Type", JSON)
    plain = Client().post("/api/v1/events", content, kind, headers=given)
    direct = through_asgi(lambda post: post(text, content, **headers))
    again = Client().post("/api/v1/events", content, kind, headers=given)
    assert direct.status_code == again.status_code == plain.status_code
    assert direct.json() == again.json()
    assert direct.headers["content-type"] == plain.headers["Content-Type"]
    for name in (
        "X-Content-Type-Options",
        "Referrer-Policy",
        "X-Frame-Options",
        "Cross-Origin-Opener-Policy",
    ):
        assert direct.headers.get(name) == plain.headers.get(name), name


def test_another_host_is_refused(site: dict[str, str]) -> None:
    answer = through_asgi(lambda post: post(site["installation"], [event(1)], Host="evil.example"))
    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed"


def test_senders_at_once_each_get_their_own_result(site: dict[str, str]) -> None:
    """Requests share transactions: each is told of its own events, by their places in its own body."""

    async def work(post: Post) -> list[httpx.Response]:
        bodies = [
            [event(f"{n}-a"), event("bad", id=""), event(f"{n}-b", time="x"), event("shared")]
            for n in range(60)
        ]
        keys = [site["acme"] if n % 3 == 0 else site["installation"] for n in range(60)]
        return await asyncio.gather(*[post(*pair) for pair in zip(keys, bodies, strict=True)])

    answers = [answer.json() for answer in through_asgi(work)]
    assert [[each["index"] for each in answer["rejected"]] for answer in answers] == [[1, 2]] * 60
    assert sum(answer["accepted"] for answer in answers) == 61
    assert sum(answer["duplicates"] for answer in answers) == 59
    with installation_scope():
        assert Event.objects.count() == 61
        assert sum(DayTotal.objects.values_list("events", flat=True)) == 61


def test_more_than_may_wait_is_asked_to_come_again(
    site: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.intake.writers.MAX_WAITING_BYTES", 10)
    answer = through_asgi(lambda post: post(site["installation"], [event(1)]))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["code"] == "store_unavailable"


def test_a_revoked_key_is_refused_soon(site: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(post: Post) -> list[int]:
        first = await post(site["installation"], [event(1)])
        await asyncio.to_thread(_revoke)
        monkeypatch.setattr("portal.intake.keys.KEPT_SECONDS", 0.0)
        second = await post(site["installation"], [event(2)])
        return [first.status_code, second.status_code]

    assert through_asgi(work) == [200, 401]


def _revoke() -> None:
    with installation_scope():
        ApiKey.objects.update(revoked_at=timezone.now())
    connection.close()


def test_a_lost_database_is_said_and_found_again(site: dict[str, str]) -> None:
    async def work(post: Post) -> list[int]:
        first = await post(site["installation"], [event(1)])
        await asyncio.to_thread(_end_connections)
        others = [await post(site["installation"], [event(n)]) for n in range(2, 2 + 2 * 3)]
        return [first.status_code, *(other.status_code for other in others)]

    statuses = through_asgi(work)
    assert statuses[0] == 200
    assert statuses[-1] == 200
    assert set(statuses) <= {200, 503}


def _end_connections() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"""
        )
    connection.close()


def test_a_slow_body_is_ended(site: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "BODY_SECONDS", 0.05)

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.01)

    async def work() -> tuple[int, dict[bytes, bytes]]:
        body = aiter(slowly())
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": await anext(body), "more_body": True}

        async def send(message: Any) -> None:
            sent.append(message)

        await app.respond(_scope(site["installation"]), receive, send)
        return sent[0]["status"], dict(sent[0]["headers"])

    status, headers = asyncio.run(work())
    assert status == 408
    assert headers[b"connection"] == b"close"


def test_a_body_that_breaks_off_is_told_and_not_stored(site: dict[str, str]) -> None:
    """The sender may have closed one half only; without an answer the server would make up a 500."""
    parts = iter([{"type": "http.request", "body": b"[", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(parts)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app.respond(_scope(site["installation"]), receive, send))
    assert sent[0]["status"] == 400
    assert json.loads(sent[1]["body"])["code"] == "malformed"


def _scope(key: str) -> dict[str, Any]:
    headers = [
        (b"host", b"localhost"),
        (b"authorization", f"Bearer {key}".encode()),
        (b"content-type", JSON.encode()),
    ]
    return {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/events",
        "query_string": b"",
        "headers": headers,
    }
