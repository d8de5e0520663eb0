"""Django behind ASGI: whole answers, streams of both kinds, and readers who leave."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest
from django.core.exceptions import RequestAborted
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from portal.handler import Handler
from tests.patience import PATIENCE

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/",
    "query_string": b"",
    "headers": [(b"content-length", b"3")],
}
BODY = {"type": "http.request", "body": b"abc", "more_body": False}
GONE = {"type": "http.disconnect"}


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Mapping[str, Any]]]:
    """What is sent for a view; `leaves`: after how many messages the reader is gone."""

    def run(view: Callable[[Any], HttpResponseBase], leaves: int | None = None) -> list[Mapping[str, Any]]:
        def respond(self: Handler, request: HttpRequest) -> HttpResponseBase:
            response = view(request)
            response._resource_closers.append(request.close)  # as Django does
            return response

        monkeypatch.setattr(Handler, "get_response", respond)
        return asyncio.run(_talk(leaves))

    return run


async def _talk(leaves: int | None) -> list[Mapping[str, Any]]:
    sent, left, asked = list[Mapping[str, Any]](), asyncio.Event(), iter([BODY])

    async def receive() -> Mapping[str, Any]:
        if (body := next(asked, None)) is not None:
            return body
        await left.wait()
        return GONE

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)
        if len(sent) == leaves:
            left.set()

    await asyncio.wait_for(Handler()(dict(SCOPE), receive, send), 10)
    return sent


def parts(sent: list[Mapping[str, Any]]) -> list[bytes]:
    return [message["body"] for message in sent[1:] if message.get("body")]


def test_a_whole_answer(served: Callable[..., list[Mapping[str, Any]]]) -> None:
    sent = served(lambda request: HttpResponse(request.body * 2))
    assert parts(sent) == [b"abcabc"]
    assert sent[0]["status"] == 200


def test_a_stream_is_drawn_in_one_thread_until_its_end(
    served: Callable[..., list[Mapping[str, Any]]],
) -> None:
    threads = set[int]()

    def rows() -> Iterator[str]:
        try:
            for number in range(3):
                threads.add(threading.get_ident())
                yield str(number)
        finally:
            threads.add(threading.get_ident())

    assert parts(served(lambda request: StreamingHttpResponse(rows()))) == [b"0", b"1", b"2"]
    assert len(threads) == 1
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("kind", ["drawn", "async"])
def test_a_stream_ends_when_its_reader_leaves(
    served: Callable[..., list[Mapping[str, Any]]], kind: str
) -> None:
    over = threading.Event()

    def rows() -> Iterator[str]:
        try:
            while True:
                yield "more"
        finally:
            over.set()

    async def figures() -> AsyncIterator[str]:
        try:
            while True:
                yield "more"
                await asyncio.sleep(0.01)
        finally:
            over.set()

    sent = served(lambda request: StreamingHttpResponse(rows() if kind == "drawn" else figures()), leaves=4)
    assert 2 <= len(parts(sent)) <= 50
    assert over.wait(PATIENCE)


def test_a_fault_in_a_stream_is_told(served: Callable[..., list[Mapping[str, Any]]]) -> None:
    def rows() -> Iterator[str]:
        yield "one"
        raise ValueError("two")

    with pytest.raises(ValueError, match="two"):
        served(lambda request: StreamingHttpResponse(rows()))


def test_a_body_that_broke_off() -> None:
    async def receive() -> Mapping[str, Any]:
        return GONE

    async def send(message: Mapping[str, Any]) -> None:
        raise AssertionError(message)

    with pytest.raises(RequestAborted):
        asyncio.run(Handler()(dict(SCOPE), receive, send))
