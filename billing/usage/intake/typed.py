"""The fast way to read a body: events that have nothing odd about them, checked while they are decoded.

What it cannot vouch for it leaves: `read_typed` answers None, and the body is read again with care (body.py,
attributes.py), which knows what is wrong with which event. So this never refuses anything.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from billing.usage.intake.attributes import (
    MAX_ID,
    MAX_KEY,
    MAX_KEYS,
    MAX_REVISION,
    MAX_SUBJECT,
    MAX_TYPE,
    MAX_VALUE,
    Incoming,
    is_time,
)
from billing.usage.intake.body import JSON, MAX_EVENTS, SINGLE
from billing.usage.values import is_bounded

type Name = Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
type Key = Annotated[str, Meta(max_length=MAX_KEY)]

_QUOTED: Final = 10
"""Keys and strings that every event has: of specversion, id, source, type, subject."""


class Sent(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An event without extensions."""

    specversion: Literal["1.0"]
    id: Name
    source: Name
    type: Annotated[str, Meta(min_length=1, max_length=MAX_TYPE)]
    subject: Annotated[str, Meta(min_length=1, max_length=MAX_SUBJECT)]
    time: str | UnsetType = UNSET
    revision: Annotated[int, Meta(ge=0, le=MAX_REVISION)] | UnsetType = UNSET
    voided: bool | UnsetType = UNSET
    data: Annotated[dict[Key, Any], Meta(max_length=MAX_KEYS)] | UnsetType = UNSET


_one: Final = msgspec.json.Decoder(Sent, float_hook=Decimal).decode
_many: Final = msgspec.json.Decoder(list[Sent], float_hook=Decimal).decode
_SMALL: Final = 10**18


def read_typed(body: bytes, media: str) -> list[Incoming] | None:
    """The events of `body`, one or an array, if all of them are good; None where only a careful look can tell."""
    single = body[:1] == b"{"
    if b"\\" in body or (media != JSON and single != (media == SINGLE)):
        return None
    try:
        sent = [_one(body)] if single else _many(body)
        return _incoming(sent, body) if 0 < len(sent) <= MAX_EVENTS else None
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError):
        return None


def _incoming(sent: list[Sent], body: bytes) -> list[Incoming]:
    """ValueError if there is anything to look at twice.

    Each key and each string that was read has two quotes in the body, which has no escaped ones. If there are more,
    a key came twice.
    """
    events, quoted = list[Incoming](), 0
    plain = body.isascii() and b"\x7f" not in body  # what could not be printed would have made it no JSON
    for index, each in enumerate(sent):
        id_, source, type_, subject, time = each.id, each.source, each.type, each.subject, each.time
        if not plain and not (id_ + source + type_ + subject).isprintable():
            raise ValueError
        data, moment, revision = each.data, None, each.revision
        quoted += _QUOTED + (revision is not UNSET) + (each.voided is not UNSET)
        if time is not UNSET:
            moment = _time(time)
            quoted += 2
        if data is UNSET:
            data = {}
        else:
            quoted += 1 + len(data) + _strings(data.values())
        revision = 0 if revision is UNSET else revision
        events.append(
            Incoming(index, id_, source, type_, subject, moment, revision, each.voided is True, data)
        )
    if body.count(b'"') != 2 * quoted:
        raise ValueError
    return events


def _strings(values: Iterable[Any]) -> int:
    """How many are strings; ValueError where one is not what an event may have."""
    count = 0
    for value in values:
        kind = type(value)
        if kind is str:
            if len(value) > MAX_VALUE:
                raise ValueError
            count += 1
        elif kind is int:
            if not -_SMALL < value < _SMALL:
                raise ValueError
        elif kind is not bool and value is not None and (kind is not Decimal or not is_bounded(value)):
            raise ValueError
    return count


def _time(text: str) -> datetime:
    if not is_time(text):
        raise ValueError
    time = datetime.fromisoformat(text)
    return time if time.tzinfo is UTC else time.astimezone(UTC)
