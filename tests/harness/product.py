"""`manage.py serve` on a folder of its own, whose processes can be killed one by one and come back."""

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import psutil
import psycopg

from portal.postgres import embedded
from tests.server.running import READY_SECONDS, Demo, environment

KEYS: Final = """
from accounts.keys import create_key
from accounts.scope import installation_scope
with installation_scope():
    print("key", create_key("harness", ["manage"])[1])
"""
VICTIMS: Final = ("postgres", "server", "worker", "everything")


class Product(Demo):
    """As `Demo`, without its customers: an empty installation, for accounts of the harness's own."""

    def launch(self) -> None:
        """Run `serve`; the embedded PostgreSQL is started if it was killed."""
        self._run(["serve", "--port", str(self.port)], environment(self.data))

    def settle(self) -> None:
        """Make the key that `client` uses for everything."""
        key = self.command("shell", "-v", "0", "-c", KEYS).split()[-1]
        (self.data / "demo.json").write_text(
            json.dumps({"api_keys": dict.fromkeys(("manage", "ingest", "read"), key)})
        )

    def kill_one(self, victim: str) -> None:
        """kill -9 of one of `VICTIMS`, with its own children."""
        assert self.process is not None
        own = psutil.Process(self.process.pid)
        with suppress(psutil.NoSuchProcess):
            children = own.children()
            parts = {
                "server": [child for child in children if "portal.asgi:application" in child.cmdline()],
                "worker": [child for child in children if "worker" in child.cmdline()],
                "postgres": self._postmaster(),
                "everything": [own, *children, *self._postmaster()],
            }
            _kill(parts[victim])

    def revive(self) -> None:
        """Start `serve` again if it ended, as an operator's supervisor would; PostgreSQL it starts itself."""
        assert self.process is not None
        if self.process.poll() is not None:
            self.launch()

    def come_back(self, seconds: float = READY_SECONDS) -> None:
        """Wait until all answers again."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.revive()
            if self.ready():
                return
            time.sleep(0.2)
        raise AssertionError(f"the product did not come back:\n{self.log()[-3000:]}")

    def superuser(self) -> psycopg.Connection:
        host = str(embedded.socket_dir(self.data))
        return psycopg.connect(host=host, user="postgres", dbname=embedded.DATABASE, autocommit=True)

    def database_log(self) -> str:
        return (self.data / "postgres" / "server.log").read_text(errors="replace")

    def _postmaster(self) -> list[psutil.Process]:
        """The living PostgreSQL, by its pid file; none, if it is dead."""
        with suppress(OSError, psutil.NoSuchProcess):
            found = psutil.Process(int((self.data / "postgres" / "postmaster.pid").read_text().split()[0]))
            if found.status() != psutil.STATUS_ZOMBIE:
                return [found]
        return []


def _kill(processes: Iterable[psutil.Process]) -> None:
    """All of them and their children, all found before the first dies: none gets time to tidy up."""
    family = {one: one.children(recursive=True) for one in processes}
    for one in [*family, *(child for children in family.values() for child in children)]:
        with suppress(psutil.NoSuchProcess):
            one.kill()
