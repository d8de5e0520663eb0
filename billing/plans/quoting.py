"""Quotes by the file: JSON Lines of usage in, JSON Lines of prices out, in order, streamed.

Imports no Django, so that `manage.py` can answer `quote` without starting the site: a thousand quotes take
well under a second, where the site's start alone takes two.

Every line is answered by one line as soon as it is read, so that a program may ask over a pipe. A line that
cannot be priced is answered by `{"line": 2, "errors": [{"path", "message"}]}`, and each fault is told on the
error stream too; it does not stop the lines after it. The exit status is then 1.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from billing.plans.catalog_file import CatalogFileError, load_catalog_file, loads_catalog
from billing.pricing.catalog import Catalog
from billing.pricing.parse import WHOLE, Problem, parse_catalog
from billing.pricing.quote import QuoteError, quote_line

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
"""Of one line of usage."""


class Writes(Protocol):
    """Where text goes."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...


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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")  # JSON's, whatever the terminal's
    try:
        return quote_file(options.catalog, options.usage, sys.stdout, sys.stderr)
    except BrokenPipeError:  # who asked has heard enough: `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


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
    except BrokenPipeError:
        raise
    except OSError as error:
        err.write(f"{usage_path} cannot be read: {error.strerror}\n")
        return 1


def quote_lines(catalog: Catalog, usage: BinaryIO, out: Writes, err: Writes) -> int:
    """Answer every line of `usage`; 1 if there was one that could not be, else 0."""
    status = 0
    for number, line in _lines(usage):
        try:
            answer = quote_line(catalog, loads_catalog(line.decode(), "json"))
        except QuoteError as error:
            faults = error.problems
        except UnicodeDecodeError:
            faults = (Problem(WHOLE, "not UTF-8: write the line in that encoding."),)
        except CatalogFileError as error:
            faults = (Problem(WHOLE, f"no JSON: {error.message}."),)
        else:
            faults = ()
        if faults:
            status = 1
            answer = {"line": number, "errors": [fault.as_data() for fault in faults]}
        for fault in faults:
            err.write(f"line {number}: {fault}\n")
        out.write(json.dumps(answer, ensure_ascii=False) + "\n")
        out.flush()
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
