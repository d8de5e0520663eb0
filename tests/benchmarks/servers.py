"""Servers as processes of their own: the product's, and the naive application on the product's PostgreSQL."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg

from tests.benchmarks.sender import ROOT
from tests.server.running import free_port

READY_SECONDS = 60
REST_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens, and the process that was started for it."""

    port: int
    process: psutil.Process

    def memory(self) -> float:
        """MiB of the process that answers requests: Granian's worker, not its supervisor."""
        found = [
            each.memory_info().rss
            for each in self.process.children(recursive=True)
            if "portal.asgi:application" in each.cmdline()
        ]
        return max(found) / 2**20

    def rest(self) -> None:
        """Until nothing of it works: one that starts first issues what fell due, and draws it as PDFs."""
        deadline = time.monotonic() + REST_SECONDS
        while self._worked(over=2.0) > 0.1:
            if time.monotonic() > deadline:
                raise RuntimeError("the server does not come to rest")

    def _worked(self, over: float) -> float:
        """Cores that its processes take."""
        before = self._processor_seconds()
        time.sleep(over)
        return (self._processor_seconds() - before) / over

    def _processor_seconds(self) -> float:
        found = 0.0
        for each in self.process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                found += times.user + times.system
        return found


@contextmanager
def product() -> Iterator[Server]:
    """`manage.py serve`, worker included, on the benchmarks' database."""
    port = free_port()
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    with _running(command, dict(os.environ), f"http://127.0.0.1:{port}/readyz") as process:
        yield Server(port, psutil.Process(process.pid))


@contextmanager
def naive() -> Iterator[int]:
    """The naive application with four threads, as its author would run it; its port."""
    from django.db import connections

    owner = connections["owner"].settings_dict
    with psycopg.connect(host=owner["HOST"], user=owner["USER"], dbname="postgres", autocommit=True) as admin:
        if not admin.execute("SELECT FROM pg_database WHERE datname = 'naive'").fetchone():
            admin.execute("CREATE DATABASE naive")
    env = {
        **os.environ,
        "NAIVE_HOST": owner["HOST"],
        "NAIVE_USER": owner["USER"],
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.naive.settings",
        "PYTHONPATH": str(ROOT),
    }
    migrate = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "-v0"]
    subprocess.run(migrate, env=env, cwd=ROOT, check=True)
    port = free_port()
    granian = str(Path(sys.executable).parent / "granian")
    options = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", "4", "--log-level", "warning"]
    where = ["--host", "127.0.0.1", "--port", str(port), "tests.benchmarks.naive.wsgi:application"]
    with _running([granian, *options, *where], env, f"http://127.0.0.1:{port}/events/usage/?subject=none"):
        yield port


@contextmanager
def _running(command: list[str], env: dict[str, str], probe: str) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=said, stderr=said)
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not _answers(probe):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command} did not start")
                time.sleep(0.2)
            yield process
        except BaseException:
            said.seek(0)
            print(said.read().decode(errors="replace")[-4000:], file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait(30)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
