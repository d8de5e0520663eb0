"""`manage.py purge_usage [--dry-run]`: lets go of raw events that are past their term."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from accounts.models import Account
from billing.invoices.retention import accounts_with_periods, purge_usage


class Command(BaseCommand):
    help = "Delete raw events that are past their term; totals, invoices and the events' identities stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say how many would go")
        parser.add_argument("--account", metavar="CODE", help="events of this account only")

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = accounts_with_periods()
        if options["account"] is not None:
            if not Account.objects.filter(code=options["account"]).exists():
                raise CommandError(f"--account {options['account']}: there is no such account")
            accounts = [each for each in accounts if each.code == options["account"]]
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("Purging", total=len(accounts))
            found = purge_usage(accounts, options["dry_run"], lambda _: progress.advance(task))
        self.stdout.write(
            json.dumps(
                {"events": found.events, "quarantined": found.quarantined, "dry_run": options["dry_run"]}
            )
        )
