"""One try: a POST to the address that was checked, and what became of it.

Nothing of the answer but its status is kept: a body could hold what is behind an address, and a customer reads the
result. No redirects, no proxies of the environment, one connection for each try, ten seconds in all.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Final

import httpcore
import httpx

from billing.webhooks import targets
from billing.webhooks.errors import WebhookError
from billing.webhooks.models import Delivery
from billing.webhooks.targets import Refused, Target

DEADLINE_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 4.0
MOST_BYTES: Final = 65_536
_HEADERS: Final = {"content-type": "application/json", "user-agent": "Plainbill-Webhooks/1"}

Error = Delivery.Error


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a try: no `error` is success. `retry_after`: seconds that a busy receiver asked for."""

    error: Delivery.Error | None
    status: int | None = None
    retry_after: float = 0.0


async def post(url: str, installation: bool, body: bytes, headers: Mapping[str, str]) -> Outcome:
    """Send `body` once, within `DEADLINE_SECONDS`. Never raises for what the network or the receiver does."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await _post(targets.read(url, installation), body, {**_HEADERS, **headers})
    except (TimeoutError, httpcore.TimeoutException):
        return Outcome(Error.TIMEOUT)
    except (Refused, WebhookError):
        return Outcome(Error.REFUSED)
    except Unresolved:
        return Outcome(Error.NAME)
    except (ssl.SSLError, httpcore.ConnectError) as error:
        return Outcome(Error.TLS if _is_tls(error) else Error.CONNECTION)
    except (OSError, httpcore.NetworkError, httpcore.ProtocolError):
        return Outcome(Error.CONNECTION)


class Unresolved(Exception):  # noqa: N818  # a state, not a fault
    """The host name has no address."""


async def _post(target: Target, body: bytes, headers: Mapping[str, str]) -> Outcome:
    try:
        addresses = await targets.addresses_soon(target)
    except OSError as error:
        raise Unresolved(target.host) from error
    url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
    connection = httpcore.AsyncHTTPConnection(
        origin=url.origin, ssl_context=_tls(), network_backend=_Checked(addresses)
    )
    sent = [("host", target.authority), *headers.items()]
    async with connection, connection.stream("POST", url, headers=sent, content=body) as answer:
        read = 0
        async for chunk in answer.aiter_stream():
            read += len(chunk)
            if read > MOST_BYTES:
                return Outcome(Error.TOO_LARGE, answer.status)
    if 200 <= answer.status < 300:
        return Outcome(None, answer.status)
    return Outcome(Error.STATUS, answer.status, retry_after=_retry_after(answer))


class _Checked(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked, whatever name the connection is for; TLS is still for the name."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._addresses = list(addresses)
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        failed: Exception = httpcore.ConnectError("no address")
        for address in self._addresses:
            try:
                return await self._network.connect_tcp(address, port, CONNECT_SECONDS)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


@cache
def _tls() -> ssl.SSLContext:
    """Certificates are verified, always. SSL_CERT_FILE may name an operator's own authorities."""
    return httpx.create_ssl_context()


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _retry_after(answer: httpcore.Response) -> float:
    """Seconds, of an answer 429 or 5xx that names them or an instant; else 0."""
    if answer.status != 429 and answer.status < 500:
        return 0.0
    given = next((value for name, value in answer.headers if name.lower() == b"retry-after"), b"")
    text = given.decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
