"""From bytes to raw events: media type, size, and JSON read so that no number and no key is lost.

The fast reader is msgspec, which lets a repeated key pass and refuses some strings that JSON allows. So a body
is read again with care, and more slowly, where it might hold either: only the event at fault is refused.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from email.message import Message
from functools import lru_cache
from typing import Any, Final

import msgspec
from django.utils.translation import gettext as _

from billing.usage.intake.errors import IntakeError

MAX_BYTES: Final = 8 * 1024 * 1024
"""Bytes of a body (contract, section 6). Also who reads the body must stop here."""

MAX_EVENTS: Final = 5_000
"""Events of a body."""

SINGLE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
JSON: Final = "application/json"

type Raw = dict[str, Any]


class DuplicateKey(dict[str, Any]):
    """An object in which a key came twice: parsers disagree on what it says, so nobody may rely on it."""


@dataclass(frozen=True, slots=True)
class Body:
    """Raw events in order. `escaped`: strings may hold what JSON can only write as an escape (NUL)."""

    events: list[Any]
    escaped: bool


def check_size(body: bytes) -> None:
    """`IntakeError` 413 if there is too much of it."""
    if len(body) > MAX_BYTES:
        raise IntakeError(413, "too_large", _("A body may have 8 MiB. Send the events in several requests."))


def read_body(body: bytes, media: str) -> Body:
    """The events of a request. `IntakeError` 413 or 400 if there is no telling them apart."""
    value = parse(body)
    events = value if isinstance(value, list) else [value]
    if media == SINGLE and isinstance(value, list):
        raise _malformed(
            _("%(single)s is one event; for an array use %(batch)s.") % {"single": SINGLE, "batch": BATCH}
        )
    if not isinstance(value, list) and (media == BATCH or not isinstance(value, dict)):
        raise _malformed(_("The body must be an array of events."))
    if not events:
        raise _malformed(_("The array is empty: send at least one event."))
    if len(events) > MAX_EVENTS:
        raise IntakeError(
            413,
            "too_large",
            _("A body may have 5,000 events, not %(count)d. Send several requests.") % {"count": len(events)},
        )
    return Body(events, b"\\" in body)


@lru_cache(maxsize=64)
def media_type(content_type: str | None) -> str:
    """One of the three media types; `IntakeError` 415 for any other."""
    message = Message()
    message["content-type"] = content_type or "text/plain"
    media, charset = message.get_content_type(), str(message.get_param("charset") or "utf-8").lower()
    if media not in (SINGLE, BATCH, JSON) or charset not in ("utf-8", "utf8", "us-ascii"):
        raise IntakeError(
            415,
            "unsupported_media_type",
            _("Send %(types)s in UTF-8.") % {"types": ", ".join((SINGLE, BATCH, JSON))},
        )
    return media


_fast: Final = msgspec.json.Decoder(float_hook=Decimal)


def parse(body: bytes) -> Any:
    """JSON with every number exact; objects with a repeated key are `DuplicateKey`. `IntakeError` 400 if it is none."""
    try:
        value = _fast.decode(body)
    except RecursionError:
        raise _malformed(_("The JSON is nested too deep.")) from None
    except UnicodeDecodeError as error:
        raise _malformed(_("The body is not UTF-8: byte %(place)d.") % {"place": error.start}) from None
    except msgspec.DecodeError:
        return _parse_with_care(body)
    return value if _keys_are_single(body, value) else _parse_with_care(body)


def _keys_are_single(body: bytes, value: Any) -> bool:
    """Whether the body has no more keys than were read; a quote and colon inside a string makes it doubt."""
    if has_loose_keys(body):
        return False
    return body.count(b'":') == _count_keys(value if isinstance(value, list) else [value])


def has_loose_keys(body: bytes) -> bool:
    """Whether space may stand between a key and its colon: then counting `":` does not count keys."""
    return any(gap in body for gap in (b'" :', b'"\t:', b'"\n:', b'"\r:'))


def _count_keys(events: Iterable[Any]) -> int:
    count = 0
    for event in events:
        if type(event) is dict:
            count += len(event)
            data = event.get("data")
            if type(data) is dict:
                count += len(data)
    return count


def _parse_with_care(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode(),
            object_pairs_hook=_single_keys,
            parse_float=Decimal,
            parse_int=_integer,
            parse_constant=_no_constant,
        )
    except RecursionError:
        raise _malformed(_("The JSON is nested too deep.")) from None
    except UnicodeDecodeError as error:
        raise _malformed(_("The body is not UTF-8: byte %(place)d.") % {"place": error.start}) from None
    except ValueError as error:
        raise _malformed(_("The body is not JSON: %(error)s") % {"error": str(error)[:200]}) from None


def _single_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else DuplicateKey(value)


def _integer(text: str) -> int | Decimal:
    """An integer; as Decimal where its digits are so many that making an int of them would take long."""
    return int(text) if len(text) < 100 else Decimal(text)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _malformed(message: str) -> IntakeError:
    return IntakeError(400, "malformed", message)
