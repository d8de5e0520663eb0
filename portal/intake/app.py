"""From a request's bytes to its answer, without a thread of its own until it is stored."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.datastructures import CaseInsensitiveMapping

from billing.usage.ingest import MAX_BYTES, Result
from portal.api.problems import MEDIA_TYPE, UNAVAILABLE_SECONDS, Problem, problem_of
from portal.api.views.events import check_call, check_length, storing
from portal.intake.keys import Keys
from portal.intake.writers import Busy, Writers

PATH: Final = "/api/v1/events"
BODY_SECONDS: Final = 30.0
"""How long a sender may take for its body; slower ones would keep memory and places for nothing."""

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]

# What the site's middleware adds to every answer.
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}

log = logging.getLogger("plainbill.intake")
keys, writers = Keys(), Writers()


async def respond(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """The ASGI application of `PATH`."""
    await _tell(send, *await _answer(scope, receive))


async def refuse(send: Send, problem: Problem) -> None:
    """Answer with a problem where nothing else did."""
    await _tell(send, *_refusal(problem))


def broken_off() -> Problem:
    """Also where chunks are wrong or only the sending half was closed: then the answer is read."""
    return Problem("malformed", "The body broke off.", headers={"Connection": "close"})


async def _tell(send: Send, status: int, headers: Mapping[str, str], content: bytes) -> None:
    raw = _encoded(settings.SECURE_HSTS_SECONDS, *headers.items())
    length = (b"content-length", str(len(content)).encode("latin-1"))
    await send({"type": "http.response.start", "status": status, "headers": [*raw, length]})
    await send({"type": "http.response.body", "body": content})


@lru_cache(maxsize=256)
def _encoded(hsts_seconds: int, *headers: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    """An answer's headers, with those of every answer, as ASGI wants them; most answers have the same."""
    all_of_them = {**_HEADERS, **dict(headers)}
    if hsts_seconds:
        all_of_them["Strict-Transport-Security"] = f"max-age={hsts_seconds}"
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in all_of_them.items()]


async def _answer(scope: Mapping[str, Any], receive: Receive) -> tuple[int, dict[str, str], bytes]:
    try:
        result = await _stored(scope, receive)
        content = json.dumps(result.as_data()).encode()
        return result.status, {"Content-Type": "application/json"}, content
    except Exception as error:
        return _refusal(error)


def _refusal(error: Exception) -> tuple[int, dict[str, str], bytes]:
    """Apart, for here nothing outlives the answer: a frame that keeps its own error keeps the connection open too."""
    problem = problem_of(error)
    if problem is None:
        log.error("A fault while events came in", exc_info=error)
        problem = Problem("internal_error", "Something failed on our side. Nothing was changed.")
    content = json.dumps(problem.data(), ensure_ascii=False).encode()
    return problem.status, {"Content-Type": MEDIA_TYPE, **problem.headers}, content


async def _stored(scope: Mapping[str, Any], receive: Receive) -> Result:
    headers = CaseInsensitiveMapping(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
    )
    _check_host(headers.get("Host", ""))
    key = await keys.find(headers.get("Authorization", ""))
    query = scope["query_string"] and parse_qsl(
        scope["query_string"].decode("latin-1"), keep_blank_values=True
    )
    key = check_call(key, scope["method"], headers, [name for name, _ in query])
    check_length(headers)
    body = await _body(receive)
    with storing():
        try:
            return await writers.store(body, headers.get("Content-Type"), key)
        except Busy:
            wait = {"Retry-After": str(UNAVAILABLE_SECONDS)}
            detail = "Too many events wait to be stored. Send the same events again, with the same ids."
            raise Problem("store_unavailable", detail, headers=wait) from None


def _check_host(host: str) -> None:
    allowed = settings.ALLOWED_HOSTS or (["localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    if not _is_allowed(host, *allowed):
        raise Problem("malformed", "The request cannot be read: check its address, Host and size.")


@lru_cache(maxsize=256)
def _is_allowed(host: str, *allowed: str) -> bool:
    return validate_host(split_domain_port(host)[0], allowed)


async def _body(receive: Receive) -> bytes:
    """At most one byte more than is allowed, whatever Content-Length says, and not for ever."""
    chunks, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while size <= MAX_BYTES:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise broken_off()
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        detail = f"The body did not come within {BODY_SECONDS:.0f} seconds."
        raise Problem("request_timeout", detail, headers={"Connection": "close"}) from None
    return b"".join(chunks)
