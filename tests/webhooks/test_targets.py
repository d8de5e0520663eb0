"""No URL of a customer makes us knock at a door of our own network: not when it is set, and not when it is called."""

import asyncio
import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from accounts.keys import create_key
from billing.webhooks import targets
from billing.webhooks.errors import WebhookError
from billing.webhooks.models import Delivery, Endpoint
from billing.webhooks.sending import posting
from billing.webhooks.sending.posting import Outcome
from tests.api.conftest import Caller
from tests.factories import make_account
from tests.webhooks.receiver import Receiver, receiving

Error = Delivery.Error
# What the published half leaves out: the same doors under their other names.
FURTHER = [
    *("https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "https://0177.0.0.1/", "https://127.1/"),
    *("https://169.254.169.254/latest/meta-data/", "https://192.168.1.1/", "https://172.16.0.1/"),
    *("https://[::ffff:7f00:1]/", "https://[64:ff9b::a9fe:a9fe]/", "https://[2002:7f00:1::]/"),
    *("https://[fe80::1%25eth0]/", "https://[fec0::1]/", "https://[::127.0.0.1]/", "https://224.0.0.1/"),
    *(
        "https://localhost./",
        "https://LOCALHOST/",
        "https://\u2460\u2461\u2466.0.0.1/",
        "https://127.0.0.1.:443/",
    ),
    *("https://user@example.com/", "https://example.com#@127.0.0.1/", "https://example.com:25/"),
    *("file:///etc/passwd", "javascript:alert(1)", "https:///x", "https://", "//example.com/", "example.com"),
    *("https://exa mple.com/", "https://example.com/\r\nX: y", "https://-a.example/", "https://a..example/"),
]


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A listener on loopback, at which every name that is not an address arrives, whatever the resolver is told."""
    real = targets.resolve

    def resolve(host: str, port: int) -> list[str]:
        numeric = host.replace(".", "").replace(":", "").strip("[]x0123456789abcdefABCDEF") == ""
        return real(host, port) if numeric or host.startswith("localhost") else ["93.184.216.34"]

    monkeypatch.setattr(targets, "resolve", resolve)
    with receiving() as server, override_settings(WEBHOOK_ALLOWED_HOSTS=[]):
        monkeypatch.setattr(targets, "PORTS", (*targets.PORTS, server.server_port))
        yield server


def published(shared: Path) -> list[dict[str, object]]:
    found = json.loads((shared / "cases" / "bad_inputs.json").read_text())["inputs"]
    return [one for one in found if one["surface"] == "webhook.config" and "payload" in one]


def test_published_addresses_are_refused_and_nothing_is_stored(db: None, shared: Path, own: Receiver) -> None:
    cases = published(shared)
    assert len(cases) >= 15
    keys = [create_key("k", ["manage"], account)[1] for account in (None, make_account())]
    for case in cases:
        for key in keys:
            response = Caller(key)("POST", "/webhooks", case["payload"])
            assert response.status_code in (400, 422), case
            assert response.json()["errors"][0]["pointer"] == "/url", case
    assert not Endpoint.objects.exists()
    assert own.hits == 0


@pytest.mark.parametrize("url", FURTHER)
def test_further_addresses_are_refused(own: Receiver, url: str) -> None:
    with pytest.raises(WebhookError):
        targets.check(url, installation=False)
    assert own.hits == 0


LOOPBACK = [
    *("127.0.0.1", "127.1", "127.0.0.1.", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0"),  # noqa: S104
    *("localhost", "localhost.", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_no_spelling_of_loopback_is_called(own: Receiver, host: str) -> None:
    outcome = asyncio.run(posting.post(f"https://{host}:{own.server_port}/", False, b"{}", {}))
    assert outcome.error in (Error.REFUSED, Error.NAME)
    assert own.hits == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_without_the_check_they_would_be_called(
    own: Receiver, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """The control of the test above."""
    monkeypatch.setattr(targets, "is_public", lambda address: True)
    asyncio.run(posting.post(f"https://{host}:{own.server_port}/", False, b"{}", {}))
    assert own.hits > 0


@pytest.mark.parametrize(
    "field", [{"secret": ""}, {"secret": "x"}, {"headers": {"Host": "x"}}, {"headers": {"X": "a\r\nb"}}]
)
def test_secrets_and_headers_are_not_given(db: None, field: dict[str, object]) -> None:
    _, key = create_key("k", ["manage"])
    body = {"url": "https://93.184.216.34/", **field}
    assert Caller(key)("POST", "/webhooks", body).status_code == 400
    assert not Endpoint.objects.exists()


def test_a_public_address_is_taken_and_kept_as_it_is_called(own: Receiver) -> None:
    for given, kept in [
        ("https://Example.COM/a?b=c", "https://example.com/a?b=c"),
        ("https://xn--bcher-kva.example:8443/x", "https://xn--bcher-kva.example:8443/x"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
    ]:
        assert targets.check(given, installation=False) == kept


@pytest.mark.parametrize(
    ("address", "public"),
    [
        *((one, True) for one in ("8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808")),
        *((one, False) for one in ("127.0.0.1", "10.0.0.1", "100.64.0.1", "169.254.169.254")),
        *((one, False) for one in ("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1")),
        *((one, False) for one in ("::", "::1", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "ff0e::1")),
        *((one, False) for one in ("::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "::7f00:1")),
        *(
            (one, False)
            for one in ("2002:7f00:1::", "2002:a00:1::", "2001:0:0:0:0:0:80ff:fffe", "no address")
        ),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert targets.is_public(address) == public


class Rebinding:
    """A resolver whose answers change: public when asked first, loopback from then on."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return ["93.184.216.34"] if self.asked == 1 else ["127.0.0.1"]


def test_a_name_that_is_bound_anew_after_it_was_checked_reaches_nothing(
    own: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "resolve", Rebinding())
    url = f"https://rebind.example:{own.server_port}/"
    assert targets.check(url, installation=False) == url
    assert asyncio.run(posting.post(url, False, b"{}", {})) == Outcome(Error.REFUSED)
    assert own.hits == 0


def test_one_private_address_among_public_ones_is_enough(
    own: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "resolve", lambda host, port: ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(WebhookError, match="public internet"):
        targets.check("https://mixed.example/", installation=False)


def test_it_is_resolved_once_and_the_connection_is_to_what_was_checked(
    own: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver of the system is never asked again: the socket is opened to the address itself."""
    rebinding, opened = Rebinding(), list[object]()
    monkeypatch.setattr(targets, "resolve", rebinding)
    monkeypatch.setattr(posting, "CONNECT_SECONDS", 0.2)

    async def connect(self: object, host: str, port: int, timeout: float | None = None) -> object:
        opened.append((host, port))
        raise posting.httpcore.ConnectTimeout

    monkeypatch.setattr(posting.httpcore.AnyIOBackend, "connect_tcp", connect)
    outcome = asyncio.run(posting.post("https://rebind.example/", False, b"{}", {}))
    assert outcome == Outcome(Error.TIMEOUT)
    assert (rebinding.asked, opened) == (1, [("93.184.216.34", 443)])


class TestAllowList:
    def test_names_hosts_of_any_kind(self, own: Receiver) -> None:
        with override_settings(WEBHOOK_ALLOWED_HOSTS=["127.0.0.1"]):
            assert targets.check(own.url(), installation=False) == own.url()
            assert asyncio.run(posting.post(own.url(), False, b"{}", {})) == Outcome(None, 204)

    def test_in_production_it_is_not_for_customers(self, own: Receiver) -> None:
        with override_settings(WEBHOOK_ALLOWED_HOSTS=["127.0.0.1"], PRODUCTION=True):
            assert targets.check(own.url(), installation=True) == own.url()
            with pytest.raises(WebhookError):
                targets.check(own.url(), installation=False)
            assert asyncio.run(posting.post(own.url(), False, b"{}", {})) == Outcome(Error.REFUSED)
        assert own.hits == 0


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A key and a certificate for receiver.example that nobody vouches for."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=receiver.example",
         "-addext", "subjectAltName=DNS:receiver.example", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


@pytest.mark.parametrize(("trusted", "host", "error"), [
    (True, "receiver.example", None),
    (False, "receiver.example", Error.TLS),
    (True, "another.example", Error.TLS),
])  # fmt: skip
def test_tls_is_for_the_name_and_always_verified(  # noqa: PLR0917
    own: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    certificate: tuple[Path, Path],
    trusted: bool,
    host: str,
    error: Delivery.Error | None,
) -> None:
    key, cert = certificate
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    names = list[str | None]()
    server.sni_callback = lambda connection, name, context: names.append(name)
    own.socket = server.wrap_socket(own.socket, server_side=True)
    monkeypatch.setattr(targets, "resolve", lambda host, port: ["127.0.0.1"])
    if trusted:
        client = ssl.create_default_context(cafile=str(cert))
        monkeypatch.setattr(posting, "_tls", lambda: client)
    with override_settings(WEBHOOK_ALLOWED_HOSTS=[host]):
        outcome = asyncio.run(posting.post(f"https://{host}:{own.server_port}/x", False, b"{}", {}))
    assert outcome.error == error
    assert names == [host]
    if error is None:
        assert own.posts[0].headers["host"] == f"{host}:{own.server_port}"


def test_a_name_that_cannot_be_resolved(own: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no")

    monkeypatch.setattr(targets, "resolve", fail)
    with pytest.raises(WebhookError, match="cannot be resolved"):
        targets.check("https://nowhere.example/", installation=False)
    assert asyncio.run(posting.post("https://nowhere.example/", False, b"{}", {})) == Outcome(Error.NAME)
