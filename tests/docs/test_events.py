"""docs/events.md, run as it is written: the commands give the answers beside them, and the client loses nothing."""

import http.server
import importlib.util
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.server.running import ROOT, Demo, free_port
from tests.server.selling import sell

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CRASH = """
import os
from usage import Usage

class Crashing(Usage):
    def _forget(self, rows, rejected):
        os._exit(9)

usage = Crashing("usage.sqlite3", os.environ["SITE"], os.environ["KEY"])
for number in range(20):
    usage.record("acme", "call", {"units": 1, "person": "ada"})
usage.flush()
"""


@dataclass
class Reader:
    """Someone who follows the page: an account of its own in the place of `acme`, and a folder."""

    demo: Demo
    account: str
    folder: Path
    blocks: list[tuple[str, str]]

    def run(self, *command: str, site: str = "", code: int = 0) -> str:
        env = {**os.environ, "SITE": site or self.demo.url, "KEY": self.demo.info["api_keys"]["ingest"]}
        done = subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout.strip()

    def usage(self, meter: str = "calls") -> tuple[str, int]:
        with self.demo.client("read") as api:
            path = f"/accounts/{self.account}/usage?meter={meter}&granularity=none"
            rows = api.get(path).json()["rows"]
        return (rows[0]["quantity"], rows[0]["events"]) if rows else ("0", 0)


@pytest.fixture
def reader(demo: Demo, tmp_path: Path) -> Reader:
    account = f"reader-{uuid4().hex[:6]}"
    with demo.client() as api:
        sell(api, account)
    text = (ROOT / "docs" / "events.md").read_text()
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    text = text.replace("acme", account).replace("2026-11-20", yesterday)
    text = text.replace("nobody-yet", f"nobody-{account}")
    blocks = BLOCK.findall(text)
    client = next(code for language, code in blocks if language == "python")
    (tmp_path / "usage.py").write_text(client)
    return Reader(demo, account, tmp_path, blocks)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_give_the_answers_beside_them(reader: Reader) -> None:
    pairs = list(zip(reader.blocks, reader.blocks[1:], strict=False))
    commands = [(code, answer) for (word, code), (kind, answer) in pairs if (word, kind) == ("sh", "json")]
    assert len(commands) == sum(word == "sh" for word, _ in reader.blocks) == 3
    for command, answer in commands:
        assert json.loads(reader.run("bash", "-c", command)) == json.loads(answer)
    assert reader.usage("units") == ("2", 1), "one corrected, one taken back"


def test_the_client_in_a_product(reader: Reader) -> None:
    program, told = (code for _, code in reader.blocks[-2:])
    assert reader.run(sys.executable, "-c", program) == told.strip()
    assert reader.usage("units") == ("3", 3)


def test_a_crash_before_the_answer_was_noted(reader: Reader) -> None:
    """The product dies when all was stored and nothing forgotten; it starts again, and everything counts once."""
    reader.run(sys.executable, "-c", CRASH.replace("acme", reader.account), code=9)
    assert reader.usage() == ("20", 20)
    client = the_client(reader)
    client.record(reader.account, "call", {"units": 1})
    client.flush()
    assert reader.usage() == ("21", 21)
    assert waiting(reader) == 0


def test_refusals_and_broken_connections_on_the_way(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers 503 and 429, an answer that is lost behind its storing, a proxy's page, a batch that is too large."""
    with troubled(reader.demo.url, ["503", "lost", "page", "429", "lost", "413", "pass", "pass"]) as site:
        client, slept = the_client(reader, site), list[float]()
        monkeypatch.setattr("time.sleep", slept.append)
        for _ in range(10):
            client.record(reader.account, "call", {"units": 1})
        client.flush()
    assert reader.usage() == ("10", 10)
    assert waiting(reader) == 0
    assert slept[0] == 7, "as long as Retry-After says"
    assert len(slept) == 5


def test_a_wrong_key_keeps_everything(reader: Reader) -> None:
    client = the_client(reader)
    good, client.key = client.key, "pb_wrong"
    client.record(reader.account, "call", {"units": 1})
    with pytest.raises(Exception, match="401"):
        client.flush()
    assert waiting(reader) == 1
    client.key = good
    client.flush()
    assert (waiting(reader), reader.usage()) == (0, ("1", 1))


def the_client(reader: Reader, site: str = "") -> Any:
    spec = importlib.util.spec_from_file_location("usage", reader.folder / "usage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    key = reader.demo.info["api_keys"]["ingest"]
    return module.Usage(str(reader.folder / "usage.sqlite3"), site or reader.demo.url, key)


def waiting(reader: Reader) -> int:
    with sqlite3.connect(reader.folder / "usage.sqlite3") as spool:
        return int(spool.execute("SELECT count(*) FROM waiting").fetchone()[0])


@contextmanager
def troubled(site: str, troubles: list[str]) -> Iterator[str]:
    """A way to `site` on which each request meets the next trouble; "pass" lets it through."""

    class Way(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            trouble = troubles.pop(0)
            if trouble in ("lost", "pass"):
                headers = {name: self.headers[name] for name in ("Authorization", "Content-Type")}
                answer = httpx.post(f"{site}{self.path}", content=body, headers=headers, trust_env=False)
                if trouble == "pass":
                    self._answer(answer.status_code, answer.content)
            elif trouble == "page":
                self._answer(502, b"<html>Bad gateway</html>")
            else:
                self._answer(int(trouble), b"{}", {"Retry-After": "7"})

        def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Way)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
