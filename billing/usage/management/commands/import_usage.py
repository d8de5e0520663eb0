"""`manage.py import_usage`: usage from a CSV or JSON Lines file (contract, section 7)."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from accounts.models import Account
from billing.plans.models import Meter
from billing.usage.importing.rows import FileError
from billing.usage.importing.run import Imported, Mapping, import_file, rejected_path
from billing.usage.ingest import IntakeError


class Command(BaseCommand):
    help = "Import usage from a CSV or JSON Lines file, gzipped or not. The same file again adds nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--account", required=True, help="code of the account that used it")
        parser.add_argument("--type", required=True, help="event type that the meters listen to")
        parser.add_argument("--source", required=True, help="who measured it; part of each event's identity")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="TARGET=COLUMN",
            help="time=COLUMN, data.PROPERTY=COLUMN, revision=COLUMN or voided=COLUMN; repeat it",
        )
        parser.add_argument("--id", help="column with each row's id; without it: from its place and content")
        parser.add_argument("--timezone", help="of times without an offset; default: the account's")

    def handle(self, *args: Any, **options: Any) -> None:
        mapping = _mapping(options)
        path: Path = options["file"]
        try:
            result = self._import(path, mapping)
        except (FileError, IntakeError) as error:
            raise CommandError(str(error)) from error
        self._report(result, path)

    def _import(self, path: Path, mapping: Mapping) -> Imported:
        console = Console(stderr=True)
        columns = [BarColumn(), TaskProgressColumn(), TransferSpeedColumn(), TimeRemainingColumn()]
        with Progress(TextColumn(path.name[:40], markup=False), *columns, console=console) as progress:
            task = progress.add_task("", total=None)
            return import_file(
                path, mapping, lambda done, size: progress.update(task, completed=done, total=size)
            )

    def _report(self, result: Imported, path: Path) -> None:
        self.stdout.write(json.dumps(asdict(result)))
        if result.rejected:
            self.stderr.write(_("The rejected rows and their reasons are in %s.") % rejected_path(path))
        if result.rejected and not result.accepted + result.duplicates + result.quarantined:
            raise SystemExit(1)


def _mapping(options: dict[str, Any]) -> Mapping:
    account = Account.objects.filter(code=options["account"]).first()
    if account is None:
        raise CommandError(_("--account %s: there is no such account.") % options["account"])
    if not Meter.objects.filter(event_type=options["type"]).exists():
        known = ", ".join(sorted(set(Meter.objects.values_list("event_type", flat=True)))) or _("none")
        raise CommandError(
            _("--type %(type)s: no meter listens to it. Known: %(known)s.")
            % {"type": options["type"], "known": known}
        )
    columns = {}
    for text in options["map"]:
        target, equals, column = text.partition("=")
        if not equals or not column or target in columns:
            raise CommandError(_("--map %s: write TARGET=COLUMN, each target once.") % text)
        columns[target] = column
    try:
        zone = ZoneInfo(options["timezone"] or account.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CommandError(_("--timezone %s: is no IANA time zone.") % options["timezone"]) from None
    try:
        return Mapping(account.code, options["type"], options["source"], columns, options["id"], zone)
    except FileError as error:
        raise CommandError(str(error)) from None
