"""Where a page of events begins or ends, as text in its address: signed, so that only places of ours are asked for."""

from datetime import datetime
from typing import Final

from django.core import signing

from billing.usage.reading.pages import Position

_SALT: Final = "portal.line.events"


def write_position(position: Position | None) -> str:
    """The text for an address; "" for no place."""
    if position is None:
        return ""
    return signing.dumps(
        [part.isoformat() if isinstance(part, datetime) else part for part in position], salt=_SALT
    )


def read_position(key: str) -> Position | None:
    """The place that a key names; a key that is not ours begins again."""
    if not key:
        return None
    try:
        time, received, source, event = signing.loads(key, salt=_SALT)
    except signing.BadSignature:
        return None
    return datetime.fromisoformat(time), datetime.fromisoformat(received), source, event
