"""Runs the site as this process's children: the server and the worker; all end together, by process id."""

import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from django.conf import settings

from portal.postgres import embedded

STOP_SECONDS = 10
MOST_REQUESTS = 10_000
"""At once, live streams included; each needs a file descriptor."""

_PR_SET_PDEATHSIG = 1


class ServingError(RuntimeError):
    """The site cannot be served here; the message says how to mend it."""


@dataclass
class Site:
    """The server and the worker of one installation, on an embedded PostgreSQL that is started again if it dies."""

    host: str
    port: int
    schedule: bool = True
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    stopping: bool = False

    def run(self) -> int:
        """Serve until a signal or until a child ends; the exit code is 0 for a signal."""
        _refuse_busy_port(self.host, self.port)
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, self._on_signal)
        launcher = _launcher()
        _allow_files()
        try:
            self._start("server", _server_command(self.host, self.port))
            self._start("worker", _worker_command(self.schedule))
            while not self.stopping and all(child.poll() is None for child in self.children.values()):
                if settings.EMBEDDED_POSTGRES:
                    embedded.revive(settings.DATA_DIR)
                if launcher is not None and os.getppid() != launcher:
                    break  # the `uv run` that started us was killed
                time.sleep(0.5)
            return 0 if self.stopping else 1
        finally:
            self._stop()

    def _start(self, name: str, command: list[str]) -> None:
        env = {**os.environ, "DATA_DIR": str(settings.DATA_DIR)}
        env.setdefault("SITE_URL", f"http://{self.host}:{self.port}")
        if name == "server":
            env.setdefault("DATABASE_POOL_SIZE", "20")
        self.children[name] = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=env,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  # two system calls between fork and exec
        )

    def _stop(self) -> None:
        for child in self.children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            _end_group(child.pid)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True


def _server_command(host: str, port: int) -> list[str]:
    granian = Path(sys.executable).parent / "granian"
    workers = ["--workers", "1", "--workers-kill-timeout", str(STOP_SECONDS - 2)]
    # An open overview is a request that lasts: with Granian's own bound, 1,024, the next visitor would wait for good.
    workers += ["--backpressure", str(MOST_REQUESTS)]
    # Nothing here speaks websockets, and browsers speak HTTP/2 only to the TLS proxy in front: less to attack.
    protocol = ["--http", "1", "--no-ws"]
    where = ["--host", host, "--port", str(port)]
    return [
        str(granian),
        "--interface",
        "asginl",
        "--log-level",
        "warning",
        *workers,
        *protocol,
        *where,
        "portal.asgi:application",
    ]


def _worker_command(schedule: bool) -> list[str]:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"]
    return command if schedule else [*command, "--no-schedule"]


def _refuse_busy_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServingError(
                f"Port {port} of {host} is in use. Choose another one: --port {port + 1}"
            ) from error


def _allow_files() -> None:
    """As many open files as this process may allow itself and its children: often four times what they begin with."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_REQUESTS + 1_000
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        # macOS allows fewer than it says: then those that there are must do.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _die_with_parent() -> None:
    """On Linux a child is told to stop when its parent dies, even by kill -9; and Ctrl-C reaches the parent only."""
    os.setpgrp()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end_group(group: int) -> None:
    """End what a child left behind, as processes at a PDF: while they live, nobody stops the embedded PostgreSQL."""
    deadline = time.monotonic() + 1
    with suppress(ProcessLookupError, PermissionError):  # the latter where only dead ones are left, on macOS
        while time.monotonic() < deadline:  # where nobody collects the dead, their group lasts
            os.killpg(group, signal.SIGKILL)
            time.sleep(0.01)


def _launcher() -> int | None:
    """Our parent's process id if it is `uv`, which cannot pass a kill -9 on to us."""
    parent = os.getppid()
    try:
        name = Path(f"/proc/{parent}/comm").read_text().strip()
    except OSError:
        return None
    return parent if name in {"uv", "uvx"} else None
