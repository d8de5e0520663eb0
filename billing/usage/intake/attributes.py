"""From a raw event to an `Incoming` one, or the reason why not. Reads no database and no clock."""

import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from django.utils.translation import gettext as _

from billing.usage.intake.body import DuplicateKey
from billing.usage.values import is_bounded

MAX_ID: Final = 256
"""Characters of `id` and of `source`: together with the account they must fit an index entry."""

MAX_TYPE: Final = 200
MAX_SUBJECT: Final = 100
MAX_KEYS: Final = 100
MAX_KEY: Final = 100
MAX_VALUE: Final = 1_000
"""Keys of `data`, their characters, and characters of a value (contract, section 6)."""

MAX_REVISION: Final = 2**31 - 1
_SMALL: Final = 10**18

_KNOWN: Final = {"specversion", "id", "source", "type", "subject", "time", "data", "revision", "voided"}
_EXTENSION: Final = re.compile(r"[a-z0-9]{1,100}").fullmatch
# CloudEvents 1.0, "String": no control characters, no surrogates.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]").search
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]").search
is_time: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,30})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
).fullmatch


class Incoming(msgspec.Struct, gc=False):
    """An event as it was sent. `time` is in UTC, None if not given; `arrival` is set for a replay."""

    index: int
    id: str
    source: str
    type: str
    subject: str
    time: datetime | None
    revision: int
    voided: bool
    data: dict[str, Any]
    arrival: datetime | None = None


class Rejected(msgspec.Struct, frozen=True):
    """An event that was refused: its place in the request, its id if it has one, a code and what to mend."""

    index: int
    id: str | None
    code: str
    detail: str


def read_event(index: int, raw: Any, escaped: bool = True) -> Incoming | Rejected:
    """The event, or why it is refused. `escaped`: look for characters that cannot be stored in `data`."""
    if not isinstance(raw, dict):
        return Rejected(index, None, "invalid_attribute", _("An event is a JSON object."))
    id_ = raw.get("id")
    try:
        if type(raw) is DuplicateKey or type(raw.get("data")) is DuplicateKey:
            raise _Refused("duplicate_key", _("A key occurs twice in one object: send each key once."))
        return Incoming(
            index,
            *_identity(raw),
            _time(raw.get("time")),
            _revision(raw.get("revision")),
            _voided(raw.get("voided")),
            _data(raw, escaped),
        )
    except _Refused as refused:
        name = id_[:MAX_ID] if isinstance(id_, str) and not _UNSTORABLE(id_) else None
        return Rejected(index, name, refused.code, refused.detail)


class _Refused(Exception):  # noqa: N818  (never leaves this module)
    def __init__(self, code: str, detail: str) -> None:
        self.code, self.detail = code, detail


def _identity(raw: dict[str, Any]) -> tuple[str, str, str, str]:
    get = raw.get
    if get("specversion") != "1.0":
        code = "missing_attribute" if get("specversion") is None else "invalid_attribute"
        raise _Refused(code, _('specversion: must be "1.0".'))
    if not raw.keys() <= _KNOWN:
        _check_extensions(raw)
    return (
        _string(get("id"), "id", MAX_ID),
        _string(get("source"), "source", MAX_ID),
        _string(get("type"), "type", MAX_TYPE),
        _string(get("subject"), "subject", MAX_SUBJECT),
    )


def _string(value: Any, name: str, limit: int) -> str:
    if type(value) is str and 0 < len(value) <= limit and (value.isprintable() or not _CONTROL(value)):
        return value
    if value is None:
        raise _Refused("missing_attribute", _("%(name)s: is required.") % {"name": name})
    raise _Refused(
        "invalid_attribute",
        _("%(name)s: must be a string of 1 to %(limit)d characters, without control characters.")
        % {"name": name, "limit": limit},
    )


def _check_extensions(raw: dict[str, Any]) -> None:
    if "data_base64" in raw:
        raise _Refused("invalid_attribute", _("data_base64: binary data cannot be metered; send data."))
    for name in raw.keys() - _KNOWN:
        if not _EXTENSION(name):
            raise _Refused(
                "invalid_attribute",
                _("Extension attributes are named in lower-case letters and digits only."),
            )


def _time(value: Any) -> datetime | None:
    """RFC 3339 with an offset; what is finer than a microsecond is cut."""
    if value is None:
        return None
    if type(value) is str and is_time(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise _Refused("invalid_time", _("time: must be like 2026-02-01T12:00:00Z, with an offset."))


def _revision(value: Any) -> int:
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= MAX_REVISION:
        raise _Refused("invalid_attribute", _("revision: must be an integer from 0 to 2147483647."))
    return value


def _voided(value: Any) -> bool:
    if value is None:
        return False
    if type(value) is not bool:
        raise _Refused("invalid_attribute", _("voided: must be true or false."))
    return value


def _data(raw: dict[str, Any], escaped: bool) -> dict[str, Any]:
    data = raw.get("data")
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise _Refused("invalid_attribute", _("data: must be an object."))
    if len(data) > MAX_KEYS:
        raise _Refused("invalid_value", _("data: has more than 100 keys."))
    for key, value in data.items():
        if len(key) > MAX_KEY or (escaped and _UNSTORABLE(key)):
            raise _Refused("invalid_value", _("data: keys have at most 100 characters, and no NUL."))
        kind = type(value)
        if kind is str:
            if len(value) > MAX_VALUE or (escaped and _UNSTORABLE(value)):
                raise _bad_value(key, _("a string has at most 1,000 characters, and no NUL."))
        elif (kind is int and -_SMALL < value < _SMALL) or kind is bool or value is None:
            continue
        elif isinstance(value, dict | list):
            raise _bad_value(key, _("must be a string, a number, true or false: data is flat."))
        elif not is_bounded(value):
            raise _bad_value(key, _("a number has at most 26 digits before and 12 after the point."))
    return data


def _bad_value(key: str, message: str) -> _Refused:
    return _Refused("invalid_value", f"data.{key}: {message}")
