"""`manage.py demo`: the whole product on one machine, with customers, history and live usage."""

import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser, call_command

from portal.demo import logins
from portal.demo.stream import Stream
from portal.preparing import prepare
from portal.serving import ServingError, Site

DEFAULT_DIR = ".demo"


class Command(BaseCommand):
    help = "The whole product on one machine: sample customers, 90 days of usage, the site and live events."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--data", help=f"folder for everything it stores (default: {DEFAULT_DIR})")
        parser.add_argument(
            "--no-simulate", action="store_true", help="no generated stream and no scheduled billing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        port, simulate = options["port"], not options["no_simulate"]
        if not 1 <= port <= 65535:
            raise CommandError(f"--port: use a number from 1 to 65535, not {port}")
        url = f"http://127.0.0.1:{port}"
        _restart_in(
            Path(options["data"] or os.environ.get("DATA_DIR") or DEFAULT_DIR).expanduser().resolve(), url
        )
        prepare()
        self.stdout.write("Preparing the database …")
        call_command("migrate", verbosity=0, interactive=False)
        found = self._people_and_history(url)
        stream = Stream(url, found.api_keys["ingest"]) if simulate else None
        try:
            site = Site("127.0.0.1", port, schedule=simulate)
            self.stdout.write(logins.describe(found))
            if stream is not None:
                stream.start()
            code = site.run()
        except ServingError as error:
            raise CommandError(str(error)) from error
        finally:
            if stream is not None:
                stream.stop()
        if code:
            raise CommandError("The server or the worker ended unexpectedly; see the lines above.")

    def _people_and_history(self, url: str) -> logins.Logins:
        from portal.demo import history

        path = settings.DATA_DIR / "demo.json"
        if path.exists() and history.exists():
            return logins.read(path, url)
        self.stdout.write("Making 90 days of usage for three customers …")
        found = history.build(url, progress=self.stdout.write)
        logins.write(path, found)
        return found


def _restart_in(data_dir: Path, url: str) -> None:
    """Settings are read once, from the environment: begin again with the demo's folder and address in it."""
    wanted = {"DATA_DIR": str(data_dir), "SITE_URL": url, "DATABASE_URL": "", "PRODUCTION": ""}
    if all(os.environ.get(name, "") == value for name, value in wanted.items()):
        return
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"--data: {data_dir} cannot be made: {error.strerror}") from error
    seller = {
        "SELLER_NAME": "Meridian Models",
        "SELLER_ADDRESS": "12 quai Perrache\n69002 Lyon",
        "SELLER_COUNTRY": "FR",
        "SELLER_VAT_ID": "FR19812345676",
        "SELLER_LEGAL_ID": "812345676",
        "SELLER_IBAN": "FR7630006000011234567890189",
        "SELLER_BIC": "AGRIFRPP",
    }
    os.execve(sys.executable, [sys.executable, *sys.argv], {**seller, **os.environ, **wanted})  # noqa: S606
