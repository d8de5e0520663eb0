"""`manage.py catalog load FILE` and `manage.py catalog check FILE` (contract, section 7)."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from accounts.scope import installation_scope
from billing.plans.actions import CatalogChanges, check_catalog
from billing.plans.catalog_file import CatalogFileError, load_catalog_file
from billing.pricing.parse import CatalogError, Problem, parse_catalog
from portal import acts


class Command(BaseCommand):
    help = "Load a catalogue file (YAML or JSON): all of it or nothing; or only check it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["load", "check"])
        parser.add_argument("file", metavar="FILE", help="YAML, or JSON if it is named .json")
        parser.add_argument("--json", action="store_true", help="answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        self.as_json: bool = options["json"]
        try:
            data = load_catalog_file(options["file"])
            if options["action"] == "check":
                self._check(data)
            else:
                with installation_scope():
                    changes = acts.load_catalog(data)
                self._show(changes)
        except CatalogFileError as error:
            self._refuse([Problem(options["file"], str(error))])
        except CatalogError as error:
            self._refuse(error.problems)

    def _check(self, data: object) -> None:
        """With what is stored, as loading would; by itself if the file stands alone and no store answers."""
        stands_alone = not any(outside_references(data))
        _, problems = parse_catalog(data) if stands_alone else (None, [])
        if problems:
            raise CatalogError(problems)
        if not stands_alone or has_store():
            try:
                with installation_scope():
                    check_catalog(data)
            except DatabaseError:
                if not stands_alone:
                    raise
        self.stdout.write(json.dumps({"errors": []}) if self.as_json else "The catalogue is sound.")

    def _show(self, changes: CatalogChanges) -> None:
        if self.as_json:
            self.stdout.write(json.dumps(changes.as_data()))
            return
        for change in changes.changes:
            version = "" if change.version is None else f" version {change.version}"
            self.stdout.write(f"{change.kind} {change.code}: {change.action}{version}")
        if not changes.changes:
            self.stdout.write("Nothing changed.")

    def _refuse(self, problems: Iterable[Problem]) -> NoReturn:
        if self.as_json:
            self.stdout.write(json.dumps({"errors": [fault.as_data() for fault in problems]}))
        else:
            for fault in problems:
                self.stderr.write(f"{fault.path}: {fault.message}")
        raise SystemExit(1)


def has_store() -> bool:
    """Whether there is a database, so that looking into it makes none."""
    return not settings.EMBEDDED_POSTGRES or (settings.DATA_DIR / "postgres").exists()


def outside_references(data: object) -> Iterator[object]:
    """The meters and taxes that plans and charges of the file name and the file does not hold."""
    meters, taxes = ({entry.get("code") for entry in _entries(data, key)} for key in ("meters", "taxes"))
    for plan in _entries(data, "plans"):
        charges = list(_entries(plan, "charges"))
        yield from (entry["tax"] for entry in (plan, *charges) if entry.get("tax") not in {None, *taxes})
        yield from (charge["meter"] for charge in charges if charge.get("meter") not in {None, *meters})


def _entries(data: object, key: str) -> Iterator[Mapping[str, Any]]:
    """The mappings in the list at `key`, whatever else there is: what is wrong is told by the parser."""
    found = data.get(key) if isinstance(data, Mapping) else None
    if isinstance(found, list):
        yield from (entry for entry in found if isinstance(entry, Mapping))
