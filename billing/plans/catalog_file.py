"""Reading catalogue files: YAML or JSON text to plain data, numbers as written, without surprises.

Numbers with a point become Decimals, never floats. YAML is read by the core schema of YAML 1.2: `no` is a
word, not false, and a date is text. Refused: keys that occur twice, tags, and files that are too large, too
deep or too much once their aliases are followed. What the data means is for `billing.pricing.parse` to say.
"""

import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final, Literal, NoReturn

from yaml import YAMLError

from billing.plans.yaml_core import CoreLoader, TooMuchError, check_size, yaml_error_place

MAX_BYTES: Final = 4 * 1024 * 1024
"""Of one file."""

Format = Literal["yaml", "json"]


class CatalogFileError(ValueError):
    """A file that is no readable YAML or JSON. `line` and `column` count from 1; None where they are not
    known.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        self.message, self.line, self.column = message, line, column
        super().__init__(message if line is None else f"line {line}, column {column}: {message}")


def load_catalog_file(path: str | Path) -> object:
    """The data of the file at `path`: JSON if it is named .json, else YAML. Raises `CatalogFileError`."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CatalogFileError(f"{path} cannot be read: {error.strerror}") from error
    _check_bytes(len(content))
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CatalogFileError("not UTF-8: save the file in that encoding", line, 1) from error
    return loads_catalog(text, "json" if path.suffix.lower() == ".json" else "yaml")


def loads_catalog(text: str, format: Format) -> object:
    """The data of `text`. Raises `CatalogFileError`, for anything that is wrong with it."""
    _check_bytes(len(text.encode("utf-8", "surrogatepass")))
    text = text.removeprefix("\ufeff")
    try:
        return _from_json(text) if format == "json" else _from_yaml(text)
    except RecursionError as error:
        raise CatalogFileError("nested too deeply") from error


def _check_bytes(size: int) -> None:
    if size > MAX_BYTES:
        raise CatalogFileError(f"too large: a catalogue has at most {MAX_BYTES} bytes")


def _from_yaml(text: str) -> object:
    try:
        check_size(text)
        loader = CoreLoader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except (YAMLError, TooMuchError) as error:
        message, line, column = yaml_error_place(error)
        raise CatalogFileError(message, line, column) from error


def _from_json(text: str) -> object:
    try:
        return json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_no_constant,
            object_pairs_hook=_no_duplicates,
        )
    except json.JSONDecodeError as error:
        raise CatalogFileError(error.msg, error.lineno, error.colno) from error


def _decimal(written: str) -> Decimal:
    try:
        return Decimal(written)
    except InvalidOperation:
        raise CatalogFileError(f"the number {written[:40]} is out of range") from None


def _integer(written: str) -> int | Decimal:
    """An int; a Decimal if it is so long that Python refuses to turn it into one."""
    return int(written) if len(written) <= 100 else _decimal(written)


def _no_constant(name: str) -> NoReturn:
    raise CatalogFileError(f"{name} is not a number that JSON has")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise CatalogFileError(f"the key {twice[:100]!r} occurs twice in one object: remove one")
    return found
