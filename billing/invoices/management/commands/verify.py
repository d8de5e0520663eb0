"""`manage.py verify [--invoice N]`: prices every issued invoice again from raw events and checks what was issued."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import track

from accounts.scope import installation_scope
from billing.invoices.models import Invoice
from billing.invoices.queries import invoice_by_number
from billing.invoices.verify import Difference, steps, unpriceable, verify

SHOWN = 20
"""Differences that are printed; the first is the one to begin with."""


class Command(BaseCommand):
    help = "Price every issued invoice again from raw events; check sums, numbers, triggers and PDFs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--invoice", metavar="NUMBER", help="this document only, and its number series")

    def handle(self, *args: Any, **options: Any) -> None:
        todo = steps(_invoice(options["invoice"]))
        console = Console(stderr=True)
        found = list[Difference]()
        for step in track(
            todo, "Verifying", console=console, transient=True, disable=not console.is_terminal
        ):
            found += verify(step)
        unpriced = sum(unpriceable(step) for step in todo)
        if unpriced:
            self.stdout.write(
                f"{unpriced} periods could not be priced again: their raw events are past their term "
                "(INVOICE_EVENTS_YEARS, EVENT_RETENTION_DAYS)."
            )
        documents = sum(step.documents for step in todo)
        if not found:
            rest = ", where they are kept" if unpriced else ""
            self.stdout.write(f"{documents} documents verified: every amount follows from its events{rest}.")
            return
        for difference in found[:SHOWN]:
            self.stdout.write(str(difference))
        if len(found) > SHOWN:
            self.stdout.write(f"and {len(found) - SHOWN} more")
        raise CommandError(
            f"{len(found)} differences in {documents} documents; the first: {found[0]}", returncode=1
        )


def _invoice(number: str | None) -> Invoice | None:
    if number is None:
        return None
    with installation_scope():
        found = invoice_by_number(number)
    if found is None:
        raise CommandError(f"--invoice {number}: there is no such document")
    return found
