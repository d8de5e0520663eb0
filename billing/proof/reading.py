"""JSON that a stranger may have written: every value is looked at before it is used, and faults name their place."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, Never

MAX_DIGITS: Final = 100
"""Of an amount or a quantity on a document, before the point. Sums over a period have fewer by far."""

MAX_PLACES: Final = 12
MAX_TEXT: Final = 10_000
MAX_ENTRIES: Final = 100_000
MAX_DAYS: Final = 400
"""Of an uncut billing period; a year is the longest."""

_DECIMAL: Final = re.compile(rf"-?[0-9]{{1,{MAX_DIGITS}}}(?:\.[0-9]{{1,{MAX_PLACES}}})?").fullmatch
_NUMBER: Final = 400
"""Characters of a JSON number."""


class NotAProof(ValueError):  # noqa: N818  # what the file is, not what the program did
    """The file is no proof that can be checked; the sentence says why."""


def json_value(content: bytes | str, what: str) -> Any:
    """The value that `content` writes. Refused: keys given twice, NaN, and numbers as long as a page."""
    try:
        return json.loads(
            content,
            parse_float=_number(Decimal),
            parse_int=_number(int),
            parse_constant=_no_constant,
            object_pairs_hook=_each_key_once,
        )
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise NotAProof(f"{what} is not JSON as a proof writes it ({str(error)[:200]}).") from error


class Fields:
    """The object at `path` of a part, and its values by key. Each reader raises `NotAProof` with the path."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise NotAProof(f"{path}: an object is missing.")
        self.value: dict[str, Any] = value
        self.path = path

    def fault(self, key: str, expected: str) -> Never:
        raise NotAProof(f"{self.path}.{key}: {expected} is missing.")

    def has(self, key: str) -> bool:
        return self.value.get(key) is not None

    def text(self, key: str) -> str:
        found = self.value.get(key)
        if not isinstance(found, str) or len(found) > MAX_TEXT:
            self.fault(key, "a text")
        return found

    def text_or_none(self, key: str) -> str | None:
        return self.text(key) if self.has(key) else None

    def one_of(self, key: str, *known: str) -> str:
        found = self.text(key)
        if found not in known:
            self.fault(key, f"one of {', '.join(known)}")
        return found

    def boolean(self, key: str) -> bool:
        found = self.value.get(key)
        if not isinstance(found, bool):
            self.fault(key, "true or false")
        return found

    def whole(self, key: str, highest: int) -> int:
        found = self.value.get(key)
        if type(found) is not int or not 0 <= found <= highest:
            self.fault(key, f"a whole number from 0 to {highest}")
        return found

    def decimal(self, key: str) -> Decimal:
        """Written as a string, at most 100 digits before and 12 after the point."""
        found = self.value.get(key)
        if not isinstance(found, str) or not _DECIMAL(found):
            self.fault(key, "a decimal number in quotes")
        return Decimal(found)

    def decimal_or_none(self, key: str) -> Decimal | None:
        return self.decimal(key) if self.has(key) else None

    def instant(self, key: str) -> datetime:
        return instant(self.text(key)) or self.fault(key, "an instant")

    def day(self, key: str) -> date:
        try:
            return date.fromisoformat(self.text(key))
        except ValueError:
            self.fault(key, "a day")

    def child(self, key: str) -> "Fields":
        return Fields(self.value.get(key), f"{self.path}.{key}")

    def child_or_none(self, key: str) -> "Fields | None":
        return self.child(key) if self.has(key) else None

    def children(self, key: str) -> Iterator["Fields"]:
        for place, each in enumerate(self._list(key)):
            yield Fields(each, f"{self.path}.{key}[{place}]")

    def texts(self, key: str) -> tuple[str, ...]:
        found = self._list(key)
        if not all(isinstance(each, str) for each in found):
            self.fault(key, "a list of texts")
        return tuple(found)

    def _list(self, key: str) -> list[Any]:
        found = self.value.get(key)
        if not isinstance(found, list) or len(found) > MAX_ENTRIES:
            self.fault(key, "a list")
        return found


def instant(text: str) -> datetime | None:
    """RFC 3339 with an offset, or None."""
    try:
        found = datetime.fromisoformat(text)
        return None if found.utcoffset() is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _number[N](made: Callable[[str], N]) -> Callable[[str], N]:
    def read(text: str) -> N:
        if len(text) > _NUMBER:
            raise ValueError("a number is too long")
        return made(text)

    return read


def _no_constant(text: str) -> Never:
    raise ValueError(f"{text} is no number")


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found
