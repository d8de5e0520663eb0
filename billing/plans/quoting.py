"""Quotes by the file: JSON Lines of usage in, JSON Lines of prices out, in order, streamed.

Imports no Django, so that `manage.py` can answer `quote` without starting the site: a thousand quotes take
well under a second, where the site's start alone takes two.

A line that cannot be priced gives error objects on the error stream, each naming line and field, and does not
stop the lines after it; the exit status is then 1.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from billing.plans.catalog_file import CatalogFileError, load_catalog_file, loads_catalog
from billing.pricing.catalog import Catalog
from billing.pricing.parse import parse_catalog
from billing.pricing.quote import QuoteError, quote_line

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
"""Of one line of usage."""


class Writes(Protocol):
    """Where text goes."""

    def write(self, text: str, /) -> object: ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--catalog", required=True, metavar="FILE", help="catalogue file, YAML or JSON")
    parser.add_argument(
        "--usage", required=True, metavar="FILE", help='JSON Lines, or "-" for standard input'
    )


def main(arguments: Sequence[str]) -> int:
    """`quote` as a program of its own: `arguments` follow the command's name. Returns the exit status."""
    parser = argparse.ArgumentParser("manage.py quote", description="Price usage by a catalogue file.")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    return quote_file(options.catalog, options.usage, sys.stdout, sys.stderr)


def quote_file(catalog_path: str, usage_path: str, out: Writes, err: Writes) -> int:
    """Answer every line of the file at `usage_path` ("-": standard input). Returns the exit status."""
    catalog = _load(catalog_path, err)
    if catalog is None:
        return 1
    if usage_path == "-":
        return quote_lines(catalog, sys.stdin.buffer, out, err)
    try:
        with Path(usage_path).open("rb") as usage:
            return quote_lines(catalog, usage, out, err)
    except OSError as error:
        err.write(f"{usage_path} cannot be read: {error.strerror}\n")
        return 1


def quote_lines(catalog: Catalog, usage: BinaryIO, out: Writes, err: Writes) -> int:
    """Answer every line of `usage`; 1 if there was one that could not be, else 0."""
    status = 0
    faults: list[dict[str, str | None]]
    for number, line in _lines(usage):
        try:
            answer = quote_line(catalog, loads_catalog(line.decode(), "json"))
        except QuoteError as error:
            faults = [{"field": problem.path, "detail": problem.message} for problem in error.problems]
        except UnicodeDecodeError:
            faults = [{"field": None, "detail": "not UTF-8"}]
        except CatalogFileError as error:
            faults = [{"field": None, "detail": f"no JSON: {error.message}"}]
        else:
            out.write(json.dumps(answer, ensure_ascii=False) + "\n")
            continue
        status = 1
        for fault in faults:
            err.write(json.dumps({"error": {"line": number, **fault}}, ensure_ascii=False) + "\n")
    return status


def _load(path: str, err: Writes) -> Catalog | None:
    """The catalogue; None, with every problem written to `err`, if it does not read."""
    try:
        catalog, problems = parse_catalog(load_catalog_file(path))
    except CatalogFileError as error:
        err.write(f"{path}: {error}\n")
        return None
    for problem in problems:
        err.write(f"{path}: {problem}\n")
    return None if problems else catalog


def _lines(usage: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Number and content of each line that is not blank; of a line that is too long only the beginning."""
    number = 0
    while line := usage.readline(MAX_LINE_BYTES + 1):
        number += 1
        if line.strip():
            yield number, line
        while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = usage.readline(MAX_LINE_BYTES + 1)
