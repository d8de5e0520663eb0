"""`manage.py serve` on an empty site, by a clock that the scenarios set: server, worker, schedule, PostgreSQL."""

import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import yaml

from portal.postgres import embedded
from tests.patience import PATIENCE
from tests.scenarios.clock import Clock
from tests.server.running import READY_SECONDS, ROOT, environment

HERE = Path(__file__).parent
CATALOG: dict[str, Any] = yaml.safe_load((HERE / "catalog.yaml").read_text())
SELLER = {
    "SELLER_NAME": "Meridian Models",
    "SELLER_ADDRESS": "12 quai Perrache\n69002 Lyon",
    "SELLER_COUNTRY": "FR",
    "SELLER_VAT_ID": "FR19812345676",
}

KEY = """
from accounts.keys import create_key
from accounts.scope import installation_scope
with installation_scope():
    print(create_key("Scenarios", ["ingest", "read", "manage"])[1])
"""
TICKED = """
    SELECT count(*) = 2 FROM procrastinate_periodic_defers d
    WHERE task_name IN ('bill', 'replay_quarantine') AND defer_timestamp >= %s
      AND NOT EXISTS (
          SELECT FROM procrastinate_jobs j WHERE j.task_name = d.task_name AND j.status IN ('todo', 'doing')
      )
"""
# A job that still waits would stand for the one of the minute that we leap to, and nothing would tell that it did.
NONE_WAITS = "SELECT count(*) = 0 FROM procrastinate_jobs WHERE status = 'todo'"


@dataclass
class Product:
    """The whole product, an installation key, and time. `goto` waits until the worker has billed."""

    data: Path
    port: int
    start: datetime
    clock: Clock = field(init=False)
    client: httpx.Client = field(init=False)
    process: subprocess.Popen[bytes] | None = None
    accounts: list[str] = field(default_factory=list)

    def run(self) -> "Product":
        self.data.mkdir(parents=True)
        self.clock = Clock(self.data, self.start)
        with (self.data / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port)],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_ready()
        key = self.command("shell", "-v0", "-c", KEY).strip()
        headers = {"Authorization": f"Bearer {key}"}
        base = f"http://127.0.0.1:{self.port}/api/v1"
        self.client = httpx.Client(base_url=base, headers=headers, timeout=PATIENCE, trust_env=False)
        self.call("PUT", "/catalog", CATALOG)
        return self

    @property
    def environment(self) -> dict[str, str]:
        site = {"SITE_URL": f"http://127.0.0.1:{self.port}"}
        return {**environment(self.data), **SELLER, **site, **self.clock.environment}

    def leap(self, instant: datetime) -> None:
        """It is `instant` now. What is due there the worker does in its own time."""
        self.clock.leap(instant)

    def goto(self, instant: datetime) -> None:
        """It is `instant` now, and the worker has done what is due there."""
        self._until(NONE_WAITS)
        self.leap(instant)
        self._until(TICKED, instant.timestamp() // 60 * 60)

    def _until(self, query: str, *values: float) -> None:
        """Wait until the jobs are as `query` asks."""
        deadline = time.monotonic() + READY_SECONDS
        host = str(embedded.socket_dir(self.data))
        with psycopg.connect(
            host=host, user="postgres", dbname=embedded.DATABASE, autocommit=True
        ) as database:
            while database.execute(query, values).fetchone() != (True,):
                if time.monotonic() > deadline:
                    jobs = database.execute("SELECT task_name, status FROM procrastinate_jobs").fetchall()
                    raise AssertionError(f"the schedule stands still: {jobs}\n{self.log()}")
                time.sleep(0.1)

    def leave(self) -> None:
        """End what runs yet, after a scenario, so that the next one has the product to itself."""
        for account in self.accounts:
            for one in self.call("GET", f"/accounts/{account}/subscriptions")["results"]:
                if one["status"] != "canceled":
                    self.call("DELETE", f"/subscriptions/{one['id']}", when="now")
        self.accounts.clear()

    def call(self, method: str, path: str, body: object = None, code: int = 200, **params: str) -> Any:
        """The JSON answer of a call, which must have the status `code`."""
        answer = self.client.request(method, path, json=body, params=params or None)
        assert answer.status_code == code, f"{method} {path}: {answer.status_code}\n{answer.text}"
        return answer.json() if answer.content else None

    def command(self, *words: str, code: int = 0) -> str:
        """The output of a management command by this clock; its exit code must be `code`."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(READY_SECONDS)

    def log(self) -> str:
        return (self.data / "log").read_text(errors="replace")[-3000:]

    def _wait_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the product ended:\n{self.log()}"
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"the product was not ready in {READY_SECONDS} s:\n{self.log()}")
