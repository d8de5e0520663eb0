"""`manage.py quote`: prices usage by a catalogue file, without a database."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from django.core.management.base import BaseCommand, CommandError

from billing.plans.catalog_file import CatalogFileError, load_catalog_file, loads_catalog
from billing.pricing.catalog import Catalog
from billing.pricing.parse import parse_catalog
from billing.pricing.quote import QuoteError, quote_line

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
"""Of one line of usage."""


class Command(BaseCommand):
    """Streams: one line of JSON in, one line out, in order. A bad line gives an error object on stderr,
    naming line and field, and does not stop the lines after it; the exit status is then 1.
    """

    help = "Price usage by a catalogue file, without a database: JSON Lines in, JSON Lines out."
    requires_system_checks = []  # noqa: RUF012

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--catalog", required=True, metavar="FILE", help="catalogue file, YAML or JSON")
        parser.add_argument(
            "--usage", required=True, metavar="FILE", help='a line for each quote, or "-" for standard input'
        )

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = self._load(options["catalog"])
        if options["usage"] == "-":
            bad = self._quote_all(catalog, sys.stdin.buffer)
        else:
            try:
                with open(options["usage"], "rb") as usage:  # noqa: PTH123 - the name is the user's own
                    bad = self._quote_all(catalog, usage)
            except OSError as error:
                raise CommandError(f"{options['usage']} cannot be read: {error.strerror}") from error
        if bad:
            raise SystemExit(1)

    def _load(self, path: str) -> Catalog:
        try:
            catalog, problems = parse_catalog(load_catalog_file(path))
        except CatalogFileError as error:
            raise CommandError(f"{path}: {error}") from error
        if problems:
            raise CommandError("\n".join(f"{path}: {problem}" for problem in problems))
        return catalog

    def _quote_all(self, catalog: Catalog, usage: BinaryIO) -> int:
        """Answers every line and returns how many could not be."""
        bad = 0
        faults: list[dict[str, str | None]]
        for number, line in _lines(usage):
            try:
                answer = quote_line(catalog, loads_catalog(line.decode(), "json"))
            except QuoteError as error:
                faults = [{"field": problem.path, "detail": problem.message} for problem in error.problems]
            except (UnicodeDecodeError, CatalogFileError):
                faults = [{"field": None, "detail": "not one JSON object in UTF-8, of at most 4 MiB."}]
            else:
                self.stdout.write(json.dumps(answer, ensure_ascii=False))
                continue
            bad += 1
            for fault in faults:
                self.stderr.write(json.dumps({"error": {"line": number, **fault}}, ensure_ascii=False))
        return bad


def _lines(usage: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Number and content of each line that is not blank; the rest of a line that is too long is skipped."""
    number = 0
    while line := usage.readline(MAX_LINE_BYTES + 1):
        number += 1
        if line.strip():
            yield number, line
        while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = usage.readline(MAX_LINE_BYTES + 1)
