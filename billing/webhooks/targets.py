"""Which addresses may be called: a customer's URL must not make us knock at doors of our own network (SSRF).

A URL is read by the very parser that sends, its host is resolved once, every address found must be on the public
internet, and the connection is made to the address that was checked. Both when it is set and at each delivery.
WEBHOOK_ALLOWED_HOSTS names hosts that are exempt: the operator's own receivers, and localhost while developing.
"""

import asyncio
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from billing.webhooks.errors import WebhookError

PORTS: Final = (443, 80, 8443)
LONGEST: Final = 2000
RESOLVE_SECONDS: Final = 5.0
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
# Of RFC 6052: an IPv4 address as resolvers of IPv6-only networks write it.
_NAT64: Final = IPv6Network("64:ff9b::/96")
_PLAIN: Final = re.compile(r"[\x21-\x7e]+", re.ASCII)
# As many as deliveries at once and more: a resolver that hangs outlives the delivery that asked it.
_resolvers = ThreadPoolExecutor(max_workers=256, thread_name_prefix="resolve")


class Refused(Exception):  # noqa: N818  # a state, not a fault
    """The host has an address that is not on the public internet."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads. `free`: a host of WEBHOOK_ALLOWED_HOSTS, whose addresses are not checked."""

    scheme: str
    host: str
    port: int
    authority: str
    path: bytes
    free: bool


def check(url: str, installation: bool) -> str:
    """The URL as it is stored, once it was read and its host resolved. Raises `WebhookError`."""
    target = read(url, installation)
    try:
        addresses(target)
    except Refused as error:
        raise _wrong(
            _("The host is not on the public internet: use an address that is reachable from there.")
        ) from error
    except OSError as error:
        raise _wrong(_("The host name cannot be resolved: check its spelling.")) from error
    return str(httpx.URL(url))


def read(url: str, installation: bool) -> Target:
    """The parts of a URL, nothing resolved. Raises `WebhookError` for what may not be called, whatever it leads to.

    `installation`: the endpoint is the operator's own. In production only those may name a host of the allow-list.
    """
    if not url:
        raise _wrong(_("Write the address that is to be called, such as https://example.com/webhooks."))
    if len(url) > LONGEST:
        raise _wrong(_("Write at most %s characters.") % LONGEST)
    try:
        # Spaces, backslashes and letters beyond ASCII are read in different ways by different programs.
        parsed = httpx.URL(url) if _PLAIN.fullmatch(url) and "\\" not in url else None
    except (httpx.InvalidURL, UnicodeError):
        parsed = None
    if parsed is None or parsed.scheme not in ("http", "https") or not _is_host(parsed.raw_host.decode()):
        raise _wrong(_("Write an address that begins with https:// and a host name, such as example.com."))
    if parsed.userinfo or "@" in parsed.netloc.decode():
        raise _wrong(_("Leave out the user name and password: the signature says who we are."))
    if parsed.fragment or "#" in url:
        raise _wrong(_("Leave out # and what follows it."))
    host = parsed.raw_host.decode()
    free = host in _allowed(installation)
    if parsed.scheme != "https" and not free:
        raise _wrong(_("Use https: what is sent must not be read on its way."))
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    if port not in PORTS and not free:
        raise _wrong(_("Use one of the ports %s.") % ", ".join(map(str, sorted(PORTS))))
    return Target(parsed.scheme, host, port, parsed.netloc.decode(), parsed.raw_path, free)


def addresses(target: Target) -> list[str]:
    """The addresses of the host, all of them checked. Raises `Refused`, and OSError if it cannot be resolved in
    `RESOLVE_SECONDS`.
    """
    try:
        found = _resolvers.submit(resolve, target.host, target.port).result(RESOLVE_SECONDS)
    except TimeoutError as error:
        raise _unresolved(target) from error
    return _checked(target, found)


async def addresses_soon(target: Target) -> list[str]:
    """The same for an event loop."""
    asked = asyncio.wrap_future(_resolvers.submit(resolve, target.host, target.port))
    try:
        found = await asyncio.wait_for(asked, RESOLVE_SECONDS)
    except TimeoutError as error:
        raise _unresolved(target) from error
    return _checked(target, found)


def _checked(target: Target, found: list[str]) -> list[str]:
    if not found:
        raise _unresolved(target)
    if not target.free and not all(map(is_public, found)):
        raise Refused(target.host)
    return found


def _unresolved(target: Target) -> OSError:
    return socket.gaierror(socket.EAI_NONAME, f"no address of {target.host}")


def resolve(host: str, port: int) -> list[str]:
    """The addresses of `host`, each once, in the order to try them. Raises OSError."""
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def is_public(address: str) -> bool:
    """Whether it is a host's address on the public internet, also seen through an IPv6 address that stands for IPv4."""
    try:
        found = _unwrapped(ip_address(address))
    except ValueError:
        return False
    site_local = isinstance(found, IPv6Address) and found.is_site_local
    return found.is_global and not (found.is_multicast or found.is_reserved or site_local)


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_host(host: str) -> bool:
    """A name of labels or an address; a name's last label is not a number, in whatever way numbers are written."""
    try:
        ip_address(host)
        return "%" not in host  # an interface of ours
    except ValueError:
        labels = host.removesuffix(".").split(".")
        return len(host) <= 253 and all(map(_LABEL.fullmatch, labels)) and not labels[-1][:1].isdigit()


def _allowed(installation: bool) -> list[str]:
    allowed: list[str] = settings.WEBHOOK_ALLOWED_HOSTS
    return allowed if installation or not settings.PRODUCTION else []


def _wrong(sentence: str) -> WebhookError:
    return WebhookError("invalid", "url", sentence)
