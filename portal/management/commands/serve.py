"""`manage.py serve`: migrate, then the server and the worker. No demo data."""

from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser, call_command

from portal.checks.refusing import refuse_unsafe_database, refuse_unsafe_settings
from portal.preparing import prepare
from portal.serving import ServingError, Site


class Command(BaseCommand):
    help = "Migrate, then run the server and the worker, on DATABASE_URL or the embedded PostgreSQL."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1")

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unsafe_settings()
        prepare()
        call_command("migrate", verbosity=0, interactive=False)
        refuse_unsafe_database()
        self.stdout.write(f"Plainbill serves http://{options['host']}:{options['port']}/  (Ctrl-C ends it)")
        try:
            code = Site(options["host"], options["port"]).run()
        except ServingError as error:
            raise CommandError(str(error)) from error
        if code:
            raise CommandError("The server or the worker ended unexpectedly; see the lines above.")
