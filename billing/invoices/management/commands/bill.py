"""`manage.py bill --as-of INSTANT`: closes every service period that ended by then and issues its invoices."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import track

from accounts.models import Account
from accounts.scope import account_scope
from billing.invoices.queries import invoice_data
from billing.invoices.run import Outcome, accounts_due, bill_accounts


def instant(text: str) -> datetime:
    """RFC 3339 with an offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.utcoffset() is None:
        raise ArgumentTypeError(
            f"{text!r} is not an instant with its offset; write one like 2026-03-01T00:00:00Z"
        )
    return found


class Command(BaseCommand):
    help = "Close every service period that ended by an instant and issue its invoices; safe to run twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", type=instant, required=True, metavar="INSTANT")
        parser.add_argument("--account", metavar="CODE", help="this account only")
        parser.add_argument("--json", action="store_true", help="print the issued documents as JSON")
        parser.add_argument(
            "--allow-future", action="store_true", help="for test sites: take a future instant as come"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:  # what is issued without the seller's address, say, stays so (portal/checks)
            self.check(tags=["production"], include_deployment_checks=True, databases=["default"])
        as_of: datetime = options["as_of"]
        if as_of > timezone.now() and not options["allow_future"]:
            raise CommandError(
                f"--as-of {as_of.isoformat()} has not come yet; on a test site add --allow-future"
            )
        accounts = accounts_due(as_of, _account(options["account"]))
        console = Console(stderr=True)
        work = bill_accounts(accounts, as_of)
        shown = track(
            work,
            "Billing",
            total=len(accounts),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        outcomes = list(shown)
        self._report(outcomes, as_json=options["json"])
        failed = [outcome for outcome in outcomes if outcome.error]
        for outcome in failed:
            self.stderr.write(f"{outcome.account.code}: {outcome.error}")
        if failed:
            raise CommandError(
                f"{len(failed)} of {len(outcomes)} accounts could not be billed; run it again once mended"
            )

    def _report(self, outcomes: list[Outcome], *, as_json: bool) -> None:
        issued = [(outcome.account, invoice) for outcome in outcomes for invoice in outcome.invoices]
        if as_json:
            documents = []
            for account, invoice in issued:
                with account_scope(account.pk):
                    documents.append(invoice_data(invoice))
            self.stdout.write(json.dumps(documents, ensure_ascii=False, indent=2))
            return
        for account, invoice in issued:
            self.stdout.write(f"{invoice.number}  {account.code}  {invoice.total:.2f} {invoice.currency}")
        self.stdout.write(f"{len(issued)} documents issued for {len(outcomes)} accounts.")


def _account(code: str | None) -> Account | None:
    if code is None:
        return None
    found = Account.objects.filter(code=code).first()
    if found is None:
        raise CommandError(f"--account {code}: there is no such account")
    return found
