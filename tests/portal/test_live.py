"""The stream: woken by PostgreSQL, coalesced, ended when its reader may see no more."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from time import monotonic

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership
from accounts.scope import account_scope, installation_scope
from billing.usage.ingest import ingest
from billing.usage.queries import usage_mark
from portal import live
from portal.live import Cards, hub, message, stream
from portal.postgres import embedded
from portal.views.live import Reader, _has_news, cards
from tests.environment import RUN_DIR
from tests.patience import PATIENCE
from tests.portal.world import World, build, send


@pytest.fixture
def world(one_renderer: None) -> World:
    with installation_scope():
        return build()


@pytest.fixture
def reader(world: World) -> Reader:
    session = SessionStore()
    session.create()
    membership = Membership.objects.get(user=world.owner)
    return Reader(membership.pk, world.owner.pk, session.session_key or "", session.exists, "")


@pytest.fixture
def one_renderer(committed: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A thread of its own, whose connection is given back at the end, so that the database can be dropped."""
    with ThreadPoolExecutor(1) as renderers:
        monkeypatch.setattr(live, "_renderers", renderers)
        yield
        renderers.submit(connections.close_all).result()


def run(coroutine):
    """In a loop of its own, with thirty seconds at most."""

    async def within():
        try:
            return await asyncio.wait_for(coroutine, 30)
        finally:
            await sync_to_async(connections.close_all)()

    return asyncio.run(within())


def test_each_line_of_a_message_is_a_data_line():
    assert message("<p>\nfigure</p>") == "data: <p>\ndata: figure</p>\n\n"


def test_cards_are_partials_for_their_places(world, reader):
    found = cards(reader, False, "")
    assert found is not None
    targets = re.findall(
        r'<hx-partial hx-target="#(\w+)" hx-swap="outerMorph"><\w+[^>]* id="(\w+)"', found.html
    )
    assert targets == [(name, name) for name in ("asof", "hero", "limit", "meters")]
    assert 'hx-target="#chart"' in cards(reader, True, "").html
    assert "announce" not in found.html


def test_a_change_of_state_is_announced_once(world, reader):
    found = cards(reader, False, "ok-0")
    assert 'hx-target="#announce"' in found.html
    assert "announce" not in cards(reader, False, found.state).html


def test_who_is_no_member_or_signed_out_sees_nothing(world, reader):
    SessionStore(session_key=reader.session).delete()
    assert cards(reader, False, "") is None
    session = SessionStore()
    session.create()
    again = Reader(reader.membership_id, reader.user_id, session.session_key or "", session.exists, "")
    assert cards(again, False, "") is not None
    Membership.objects.filter(pk=reader.membership_id).delete()
    assert cards(again, False, "") is None


async def _next(events: AsyncIterator[str]) -> str:
    while True:
        text = await anext(events)
        if text.startswith("data:"):
            return text


def test_an_event_comes_to_the_screen(world, reader):
    def figure(text: str) -> str:
        return re.search(r"You have used <b>([^<]+)</b>", text)[1]

    async def walk() -> None:
        events = stream(world.account.pk, lambda chart, known: cards(reader, chart, known), lambda: True)
        assert (await anext(events)).startswith(":")
        assert await hub().ready(PATIENCE)
        before = figure(await _next(events))
        await asyncio.to_thread(_send, world)
        async with asyncio.timeout(PATIENCE):
            while figure(await _next(events)) == before:
                pass
        await events.aclose()
        assert not hub()._streams

    run(walk())


def test_many_events_make_few_messages(world):
    shown = []

    def render(with_chart: bool, known: str) -> Cards:
        shown.append(monotonic())
        return Cards("<p></p>", known)

    async def walk() -> None:
        events = stream(world.account.pk, render, lambda: True)
        await anext(events)
        assert await hub().ready(PATIENCE)
        while len(shown) < 4:
            for news in hub()._streams[world.account.pk]:
                news.set()
            await _next(events)
        await events.aclose()

    run(walk())
    assert all(later - earlier > live.PAUSE_SECONDS * 0.9 for earlier, later in pairwise(shown[1:]))
    assert all(later - earlier >= 0.95 for earlier, later in pairwise(shown))


def test_the_stream_ends_when_nothing_may_be_shown(world):
    async def walk() -> list[str]:
        events = stream(world.account.pk, lambda chart, known: None, lambda: True)
        assert (await anext(events)).startswith(":")
        assert await hub().ready(PATIENCE)
        return [text async for text in events if text.startswith("data:")]

    assert run(walk()) == []


def test_another_accounts_usage_wakes_nobody_here(world):
    other = Membership.objects.get(user=world.outsider).account_id

    async def walk() -> bool:
        news = hub().join(world.account.pk)
        assert await hub().ready(PATIENCE)
        news.clear()
        await asyncio.to_thread(_notify, other)
        await asyncio.sleep(0.5)
        hub().leave(world.account.pk, news)
        return news.is_set()

    assert run(walk()) is False


def test_streams_go_on_after_the_database_was_away(world, committed, caplog):
    async def walk() -> None:
        events = stream(world.account.pk, lambda chart, known: Cards("<p></p>", ""), lambda: True)
        assert (await anext(events)).startswith(":")
        assert await hub().ready(PATIENCE)
        await _next(events)
        await asyncio.to_thread(_admit, committed, False)
        while len(refusals()) < 2:  # the connection is lost, and cannot be had again
            await asyncio.sleep(0.1)
        assert not hub()._listening.is_set()
        await asyncio.to_thread(_admit, committed, True)
        assert await hub().ready(PATIENCE)
        while not (await anext(events)).startswith("data:"):
            pass
        await events.aclose()

    def refusals() -> list[str]:
        return [line for line in caplog.messages if "trying again" in line]

    run(walk())


def _admit(database: str, allowed: bool) -> None:
    """Let connections to the `database` be made, or end those that there are and let none be made."""
    where = {"host": str(embedded.socket_dir(RUN_DIR)), "dbname": "postgres", "user": "postgres"}
    with psycopg.connect(**where, autocommit=True) as session:
        session.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS {allowed}")
        if not allowed:
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database]
            )


def _send(world: World) -> None:
    send(world.account, timezone.now())
    connections.close_all()


def _notify(account_id: int) -> None:
    with account_scope(account_id), connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [live.CHANNEL, str(account_id)])
    connections.close_all()


@pytest.mark.django_db
def test_the_address_is_for_members_only(db):
    assert Client().get(reverse("portal:live")).status_code == 401


def test_the_answer_is_a_stream_that_no_proxy_holds_back(world):
    async def ask() -> None:
        client = AsyncClient()
        await client.aforce_login(world.owner)
        answer = await client.get(reverse("portal:live"))
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Accel-Buffering"] == "no"
        body = answer.streaming_content
        assert (await anext(body)).startswith(b":")
        await body.aclose()

    run(ask())


def test_a_page_that_shows_all_usage_is_not_drawn_anew(world, reader):
    with installation_scope():
        mark = usage_mark(world.account)
    assert not _has_news(world.account, mark)
    _send(world)
    assert _has_news(world.account, mark)

    async def walk() -> None:
        drawn = list[bool]()
        first = stream(world.account.pk, lambda chart, known: Cards("first", ""), lambda: True)
        assert (await anext(first)).startswith(":")
        assert await hub().ready(PATIENCE)
        await _next(first)
        quiet = stream(world.account.pk, lambda chart, known: drawn.append(True), lambda: False)
        assert (await anext(quiet)).startswith(":")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(quiet), 2)
        assert not drawn
        await first.aclose()

    run(walk())


def test_a_correction_is_news(world):
    event = {
        "specversion": "1.0",
        "id": "corrected",
        "source": "/test",
        "type": "llm.completion",
        "subject": world.account.code,
        "time": timezone.now().isoformat(),
        "data": {"output_tokens": 1, "input_tokens": 1, "model": "m", "region": "eu", "key": "k"},
    }
    marks = set[str]()
    for more in (
        {},
        {"revision": 1, "data": {**event["data"], "output_tokens": 2}},
        {"revision": 2, "voided": True},
    ):
        assert ingest(json.dumps([event | more]).encode(), "application/json").accepted == 1
        with installation_scope():
            marks.add(usage_mark(world.account))
    assert len(marks) == 3


def test_what_came_between_the_page_and_the_stream_is_sent_at_once(world, reader):
    async def walk() -> None:
        first = stream(world.account.pk, lambda chart, known: Cards("first", ""), lambda: True)
        assert (await anext(first)).startswith(":")
        assert await hub().ready(PATIENCE)
        await _next(first)
        await asyncio.to_thread(_send, world)
        await asyncio.sleep(0.5)  # its notice is over before the next page listens
        late = stream(world.account.pk, lambda chart, known: Cards("drawn anew", ""), lambda: True)
        assert "drawn anew" in await asyncio.wait_for(_next(late), PATIENCE)
        await late.aclose()
        await first.aclose()

    run(walk())
