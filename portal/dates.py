"""Days, times and ranges as people read them, in the account's time zone and the reader's language.

Ranges are stored with an exclusive end and read with an inclusive one. Instants must carry an offset.
"""

from datetime import date, datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from django.utils import timezone as django_timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from portal.formats import DASH, MINUS, NBSP, current

DAY: Final = timedelta(days=1)
# Day first everywhere but in American English; month names in the form that the language wants beside a day.
_PATTERNS: Final = {
    "yMMMd": "d MMM y",
    "MMMd": "d MMM",
    "yMMMMd": "d MMMM y",
    "MMMMd": "d MMMM",
    "EMMMd": "EEE d MMM",
}
_AMERICAN: Final = {
    "yMMMd": "MMM d, y",
    "MMMd": "MMM d",
    "yMMMMd": "MMMM d, y",
    "MMMMd": "MMMM d",
    "EMMMd": "EEE MMM d",
}


def local(instant: datetime) -> datetime:
    """`instant` in the zone in force (the account's, inside its pages)."""
    return instant.astimezone(django_timezone.get_current_timezone())


def day(value: date | datetime, form: str = "yMMMd", locale: str | None = None) -> str:
    """A day: "19 Nov 2026", "1er nov. 2026". Other forms: MMMd "19 Nov", MMMMd "19 November", EMMMd with
    weekday."""
    where = current(locale)
    american = where.language == "en" and where.territory == "US"
    text = format_datetime(_clock(value), (_AMERICAN if american else _PATTERNS)[form], locale=where)
    if american:
        return text
    words = text.split(" ")
    at = 1 if form.startswith("E") else 0
    if where.language == "fr" and words[at] == "1":
        words[at] = "1er"
    return " ".join(words[:at]) + (" " if at else "") + NBSP.join(words[at : at + 2]) + _rest(words[at + 2 :])


def _rest(words: list[str]) -> str:
    return "".join(f" {word}" for word in words)


def day_html(value: date | datetime, form: str = "MMMMd", locale: str | None = None) -> SafeString:
    """The same with French's raised "er"."""
    text = day(value, form, locale)
    head, mark, rest = text.partition("1er")
    if mark and (not head or not head[-1].isdigit()):
        return format_html("{}1<sup>er</sup>{}", head, rest)
    return format_html("{}", text)


def month(value: date, with_year: bool = True, locale: str | None = None) -> str:
    """ "November 2026", "novembre"."""
    return format_datetime(_clock(value), "LLLL y" if with_year else "LLLL", locale=current(locale))


def month_short(value: date, locale: str | None = None) -> str:
    """ "Nov", "nov." """
    return format_datetime(_clock(value), "LLL", locale=current(locale))


def weekday(value: date, locale: str | None = None) -> str:
    """ "Sun", "dim." """
    return format_datetime(_clock(value), "EEE", locale=current(locale))


def time(instant: datetime, seconds: bool = False) -> str:
    """Local time of day, 24 hours: "14:32", "14:32:07"."""
    return local(instant).strftime("%H:%M:%S" if seconds else "%H:%M")


def moment(instant: datetime, form: str = "MMMd", seconds: bool = True) -> str:
    """A day with its time: "19 Nov, 08:52:40"."""
    there = local(instant)
    return gettext("%(day)s, %(time)s") % {"day": day(there, form), "time": time(there, seconds)}


def span(first: date, last: date, form: str = "yMMMd", locale: str | None = None) -> str:
    """Both days are inside: "1–30 Nov 2026", "28 Oct – 3 Nov 2026", "19 Nov 2026"."""
    end = day(last, form, locale)
    if first == last:
        return end
    if (first.year, first.month) == (last.year, last.month) and end[0].isdigit():
        return f"{day(first, 'MMMd', locale).split(NBSP)[0]}{DASH}{end}"
    start = day(first, form if first.year != last.year else form.removeprefix("y"), locale)
    return f"{start} {DASH} {end}"


def zone_label(zone: str, at: datetime) -> str:
    """ "Europe/Paris, UTC+1"."""
    offset = at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)
    minutes = int(offset.total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = MINUS if minutes < 0 else "+"
    return f"{zone}, UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")


def last_day(end_day: date) -> date:
    """The last day inside a span that ends before `end_day`."""
    return end_day - DAY


def _clock(value: date | datetime) -> datetime:
    """Babel formats clocks: a plain day becomes its midnight, an instant its local clock."""
    if isinstance(value, datetime):
        return local(value)
    return datetime(value.year, value.month, value.day, tzinfo=timezone.utc)  # noqa: UP017  # read by its parts only
