"""Bodies read with care: exact numbers, no repeated keys, no NUL or lone surrogate, limits on size and depth."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from email.message import Message
from typing import IO, Any, Final

from rest_framework.parsers import BaseParser

from billing.plans import catalog_file
from portal.api.problems import Problem

MAX_BYTES: Final = 1024 * 1024
"""Of a body; the catalogue may have as much as a catalogue file."""
MAX_DEPTH: Final = 32
MAX_DIGITS: Final = 64
"""Characters of a number as written."""
MAX_EXPONENT: Final = 60

_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")


class StrictJSONParser(BaseParser):
    """JSON to dicts, lists, str, int, Decimal, bool and None; anything doubtful is problem 400."""

    media_type = "application/json"
    max_bytes = MAX_BYTES

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, context: Mapping[str, Any] | None = None
    ) -> Any:
        return check_values(loads_json(read_text(stream, media_type, self.max_bytes)))


class MergePatchParser(StrictJSONParser):
    """RFC 7396, for PATCH."""

    media_type = "application/merge-patch+json"


class CatalogJSONParser(StrictJSONParser):
    """A catalogue file as it is (contract, section 2): what its values may be is said with their paths, not here."""

    max_bytes = catalog_file.MAX_BYTES
    format: catalog_file.Format = "json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, context: Mapping[str, Any] | None = None
    ) -> Any:
        text = read_text(stream, media_type, self.max_bytes)
        try:
            return catalog_file.loads_catalog(text, self.format)
        except catalog_file.CatalogFileError as error:
            name = self.format.upper()
            raise malformed(f"The body is not {name} that a catalogue may be: {error}") from error


class CatalogYAMLParser(CatalogJSONParser):
    media_type = "application/yaml"
    format = "yaml"


class OlderCatalogYAMLParser(CatalogYAMLParser):
    """A name that YAML had before RFC 9512."""

    media_type = "application/x-yaml"


class TextCatalogYAMLParser(CatalogYAMLParser):
    """Another one."""

    media_type = "text/yaml"


def malformed(detail: str) -> Problem:
    return Problem("malformed", detail)


def read_text(stream: IO[bytes], media_type: str | None, limit: int) -> str:
    """The body as text. Reads no more than `limit` bytes of it, whatever its Content-Length says."""
    message = Message()
    message["content-type"] = media_type or "application/json"
    charset = str(message.get_param("charset") or "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise Problem("unsupported_media_type", f"Send the body in UTF-8, not in {charset[:40]!r}.")
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise Problem("too_large", f"The body may have {limit:,} bytes.")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise malformed(f"The body is not UTF-8: byte {error.start}.") from error


def loads_json(text: str) -> Any:
    """The value of `text`; problem 400 says where it is not JSON."""
    try:
        return json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_no_constant,
            object_pairs_hook=_single_keys,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise malformed(f"The body is not JSON: {error.msg} at {place}.") from error
    except RecursionError as error:
        raise malformed(f"The JSON is nested too deep: {MAX_DEPTH} levels at most.") from error


def check_values(value: Any) -> Any:
    """`value`, if it is not too deep and every text in it can be stored."""
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise malformed(f"The body is nested too deep: {MAX_DEPTH} levels at most.")
        if isinstance(item, str):
            if _UNFIT.search(item):
                raise malformed("A text holds NUL or half of a surrogate pair: remove it.")
        elif isinstance(item, dict):
            waiting.extend((key, depth + 1) for key in item)
            waiting.extend((one, depth + 1) for one in item.values())
        elif isinstance(item, list):
            waiting.extend((one, depth + 1) for one in item)
    return value


def _integer(written: str) -> int:
    if len(written) > MAX_DIGITS:
        raise malformed(f"A number has more than {MAX_DIGITS} digits.")
    return int(written)


def _decimal(written: str) -> Decimal:
    if len(written) > MAX_DIGITS:
        raise malformed(f"A number has more than {MAX_DIGITS} characters.")
    exponent = re.split("[eE]", written)[1:]
    if exponent and abs(int(exponent[0])) > MAX_EXPONENT:
        raise malformed(f"The number {written} is out of range.")
    return Decimal(written)


def _no_constant(name: str) -> None:
    raise malformed(f"{name} is no JSON number.")


def _single_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise malformed(f"The key {twice[:100]!r} occurs twice in one object: remove one.")
    return value
