"""The demo as the user starts it, on a free port and a folder of its own; and its commands."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 300


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data: Path) -> dict[str, str]:
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("DJANGO_", "DATABASE_", "PYTEST_", "PLAINBILL_"))
    }
    return {
        **kept,
        "DATA_DIR": str(data),
        "PYTHONUNBUFFERED": "1",
        "EMAIL_URL": f"filemail://{data / 'mail'}",
    }


@dataclass
class Demo:
    """A running demo: `start`, `kill` and `start` again keep the folder's data."""

    data: Path
    port: int
    simulate: bool = False
    process: subprocess.Popen[bytes] | None = None
    entry: tuple[str, ...] = ("manage.py",)
    """What Python runs, with the command's words behind it."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Settings, beside those of every test."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def info(self) -> dict[str, Any]:
        return dict(json.loads((self.data / "demo.json").read_text()))

    def start(self) -> "Demo":
        self.launch()
        self.wait_ready()
        return self

    def launch(self) -> None:
        """Start the command, without waiting until it answers."""
        words = ["demo", "--port", str(self.port), "--data", str(self.data)]
        # The demo is no production, whatever its environment says (tests/checks).
        env = {**environment(self.data), "PRODUCTION": "1"}
        env.pop("DATA_DIR")
        self._run(words if self.simulate else [*words, "--no-simulate"], {**env, **self.extra})

    def _run(self, words: list[str], env: dict[str, str]) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "demo.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.entry, *words],
                cwd=ROOT,
                env=env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"the demo ended:\n{self.log()[-3000:]}")
            if self.ready():
                return
            time.sleep(0.2)
        raise AssertionError(f"the demo was not ready in {READY_SECONDS} s:\n{self.log()[-3000:]}")

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)

    def kill(self) -> None:
        """kill -9 of the command, the server and the worker at once, as a failing machine would."""
        assert self.process is not None
        family = [
            psutil.Process(self.process.pid),
            *psutil.Process(self.process.pid).children(recursive=True),
        ]
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait()
        self._wait_for_port()

    def kill_command(self) -> None:
        """kill -9 of the command alone; its children end by themselves."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._wait_for_port()

    def _wait_for_port(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                    return
            time.sleep(0.1)
        raise AssertionError("the server outlived the command")

    def log(self) -> str:
        return (self.data / "demo.log").read_text(errors="replace")

    def command(self, *words: str, code: int = 0, extra: dict[str, str] | None = None) -> str:
        """The output of a management command on this demo's database; its exit code must be `code`."""
        done = self.popen(*words, extra=extra)
        out, err = done.communicate(timeout=300)
        assert done.returncode == code, f"{words}: exit {done.returncode}\n{out}\n{err}"
        return out + err if code else out

    def popen(self, *words: str, extra: dict[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *self.entry, *words],
            cwd=ROOT,
            env={**environment(self.data), **(extra or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def client(self, key: str = "manage") -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.info['api_keys'][key]}"}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=PATIENCE, trust_env=False)

    def login(self, role: str | None, account: str | None = "atelier-brume") -> dict[str, Any]:
        return next(u for u in self.info["users"] if u["role"] == role and u["account"] == account)


PAUSE_SECONDS = 0.2
"""Between two batches of a sender: its sending then lasts long enough to be killed in."""


def send_shuffled(url: str, key: str, batches: list[list[dict[str, Any]]], seed: int, begun: Barrier) -> None:
    """Send each batch twice in random order; a refused connection is tried again, as a product would.

    After its first batch each sender waits at `begun` for the others.
    """
    order = [*batches, *batches]
    random.Random(seed).shuffle(order)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/cloudevents-batch+json"}
    with httpx.Client(headers=headers, timeout=PATIENCE, trust_env=False) as client:
        for number, batch in enumerate(order):
            if number == 1:
                begun.wait(READY_SECONDS)
            time.sleep(PAUSE_SECONDS)
            for _ in range(200):
                try:
                    answer = client.post(f"{url}/api/v1/events", json=batch)
                except httpx.TransportError:
                    time.sleep(0.2)
                    continue
                if answer.status_code in (429, 503):
                    time.sleep(0.2)
                    continue
                assert answer.status_code == 200, answer.text
                break
            else:
                raise AssertionError("the server did not come back")
