"""The fast way to read a body: events that have nothing odd about them, checked while they are decoded.

What it cannot vouch for it leaves: `read_typed` answers None, and the body is read again with care (body.py,
attributes.py), which knows what is wrong with which event. So this never refuses anything.
"""

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
from billing.usage.intake.body import JSON, MAX_EVENTS, SINGLE, has_loose_keys
from billing.usage.values import is_bounded

type Name = Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
type Key = Annotated[str, Meta(max_length=MAX_KEY)]

_REQUIRED: Final = 5
"""Keys that every event has: specversion, id, source, type, subject."""


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
    if b"\\" in body or has_loose_keys(body) or (media != JSON and single != (media == SINGLE)):
        return None
    try:
        sent = [_one(body)] if single else _many(body)
        if not 0 < len(sent) <= MAX_EVENTS or body.count(b'":') != sum(map(_keys, sent)):
            return None
        return [_incoming(index, each) for index, each in enumerate(sent)]
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError):
        return None


def _incoming(index: int, sent: Sent) -> Incoming:
    """ValueError if there is anything to look at twice."""
    id_, source, type_, subject = sent.id, sent.source, sent.type, sent.subject
    data = {} if sent.data is UNSET else sent.data
    if not (id_ + source + type_ + subject).isprintable():
        raise ValueError
    for value in data.values():
        kind = type(value)
        if kind is str:
            if len(value) > MAX_VALUE:
                raise ValueError
        elif kind is int:
            if not -_SMALL < value < _SMALL:
                raise ValueError
        elif kind is not bool and value is not None and (kind is not Decimal or not is_bounded(value)):
            raise ValueError
    time = None if sent.time is UNSET else _time(sent.time)
    revision = 0 if sent.revision is UNSET else sent.revision
    return Incoming(index, id_, source, type_, subject, time, revision, sent.voided is True, data)


def _time(text: str) -> datetime:
    if not is_time(text):
        raise ValueError
    time = datetime.fromisoformat(text)
    return time if time.tzinfo is UTC else time.astimezone(UTC)


def _keys(sent: Sent) -> int:
    """How many keys were read of an event; more in the body means that one came twice."""
    given = (sent.time is not UNSET) + (sent.revision is not UNSET) + (sent.voided is not UNSET)
    return _REQUIRED + given + (0 if sent.data is UNSET else 1 + len(sent.data))
