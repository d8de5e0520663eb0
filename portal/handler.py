"""Django behind ASGI: a request runs in one of a few threads, from its first middleware to its view's answer.

Django's own ASGI handler makes a thread for each request and goes to and fro between it and the event loop: half of the
time of a request that asks nothing. And as many threads as there are requests would wait for the pool's connections,
until it gives up on them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from typing import IO, Any, Final

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import close_old_connections
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from portal import env

OTHERS: Final = 8
"""Connections of the pool that are left to live figures and to intake."""

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Mapping[str, Any]]]
type Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class Handler(ASGIHandler):
    """Raises `RequestAborted` where a body broke off."""

    def __init__(self) -> None:
        self.load_middleware()
        self.threads = ThreadPoolExecutor(
            max(4, env.DATABASE_POOL_SIZE - OTHERS), thread_name_prefix="request"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with closing(await self.read_body(receive)) as body:
            response = await _in(self.threads, self._respond, scope, body)
        if isinstance(response, StreamingHttpResponse):
            await self._stream(response, receive, send)
        else:
            await self.send_response(response, send)

    def _respond(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        """In a thread, which gives its connection back; of a stream only the beginning."""
        signals.request_started.send(sender=type(self), scope=scope)
        set_script_prefix(get_script_prefix(scope))
        request, refusal = self.create_request(scope, body)
        response: HttpResponseBase | None = refusal if request is None else self.get_response(request)
        assert response is not None  # noqa: S101  (the one or the other)
        if response.streaming:
            close_old_connections()
            if request is not None:  # over: a stream would keep it for hours
                request.close()
                response._resource_closers.remove(request.close)  # type: ignore[attr-defined]
        else:
            response.close()
        return response

    async def _stream(self, response: StreamingHttpResponse, receive: Receive, send: Send) -> None:
        """Until its end, or until its reader is gone. A thread of its own reads what is not asynchronous."""
        threads = self.threads
        if not response.is_async:
            threads = ThreadPoolExecutor(1, thread_name_prefix="stream")
            response.streaming_content = _drawn(threads, iter(response))
        sending = asyncio.ensure_future(self.send_response(response, send))
        leaving = asyncio.ensure_future(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (sending, leaving):
                each.cancel()
            outcomes = await asyncio.gather(sending, leaving, return_exceptions=True)
            await _in(threads, response.close)
            if threads is not self.threads:
                threads.shutdown(wait=False)
        for error in outcomes:
            if isinstance(error, Exception) and not isinstance(error, RequestAborted):
                raise error


async def _in[**P, R](threads: Executor, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What it activates (language, zone) stays in a context of its own."""
    return await asyncio.get_running_loop().run_in_executor(
        threads, lambda: copy_context().run(function, *args, **kwargs)
    )


async def _drawn(threads: Executor, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (part := await _in(threads, next, parts, None)) is not None:
        yield part
