"""`manage.py rebuild_usage`: make the day totals anew from events, or compare them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import Progress

from accounts.models import Account
from billing.plans.models import Meter
from billing.usage.rebuild import count_purged_days, rebuild

SHOWN = 50
"""Differences that are written out."""


class Command(BaseCommand):
    help = "Rebuild the day totals of usage from its events, account by account, while intake goes on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; exit 1 on a difference")
        parser.add_argument("--account", help="only this account")
        parser.add_argument("--meter", help="only this meter")

    def handle(self, *args: Any, **options: Any) -> None:
        account, meter = _found(Account, options["account"]), _found(Meter, options["meter"])
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task(_("Day totals"), total=1)

            def tell(what: str, share: float) -> None:
                progress.update(task, description=what[:40], completed=share)

            found = rebuild(account, meter, options["check"], tell)
            tell(_("Day totals"), 1)
        for each in found[:SHOWN]:
            place = f"{each.account} {each.meter} {each.day} {each.dimensions}"
            self.stdout.write(
                f"{place}: stored {each.stored or 'nothing'}; events say {each.counted or 'nothing'}"
            )
        self.stdout.write(_("%d day totals differed.") % len(found))
        if days := count_purged_days(account):
            self.stdout.write(
                _("%d days could not be counted again: their raw events are past their term.") % days
            )
        if found and options["check"]:
            raise SystemExit(1)


def _found[T: (Account, Meter)](model: type[T], code: str | None) -> T | None:
    if code is None:
        return None
    found = model.objects.filter(code=code).first()
    if found is None:
        raise CommandError(
            _("There is no %(name)s %(code)s.") % {"name": model._meta.verbose_name, "code": code}
        )
    return found
