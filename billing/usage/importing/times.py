"""Times as files write them: with an offset, or by the clock of a time zone."""

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,30})?)?))?"
    r" ?([Zz]|(?:UTC)|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?",
    re.ASCII,
).fullmatch


def read_time(text: str, zone: ZoneInfo) -> datetime:
    """An instant in UTC, cut to microseconds; a day alone is its midnight. ValueError says what is wrong.

    Without an offset it is read by the clock of `zone`: of an hour that the clock shows twice, the first; one that
    it leaves out is refused. Only the order year, month, day is read: others are ambiguous.
    """
    match = _TIME(text.strip())
    if match is None:
        raise ValueError(_("%(text)s is no time like 2026-02-01 12:00:00") % {"text": text[:50] or '""'})
    day, clock, offset = match.groups()
    offset = "+00:00" if offset in ("Z", "z", "UTC") else offset or ""
    try:
        instant = datetime.fromisoformat(f"{day}T{clock or '00:00'}{offset}")
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
        local = instant.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(_("%(text)s does not exist") % {"text": text[:50]}) from None
    if local.astimezone(zone).replace(tzinfo=None) != instant:
        raise ValueError(_("%(text)s does not exist in %(zone)s") % {"text": text[:50], "zone": zone.key})
    return local
