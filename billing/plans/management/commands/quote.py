"""`manage.py quote`: prices usage by a catalogue file, without a database. See `billing.plans.quoting`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from billing.plans import quoting


class Command(BaseCommand):
    help = "Price usage by a catalogue file, without a database: JSON Lines in, JSON Lines out."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        quoting.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        status = quoting.quote_file(options["catalog"], options["usage"], self.stdout, self.stderr)
        if status:
            raise SystemExit(status)
