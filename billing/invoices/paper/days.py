"""Days and spans of days as the paper prints them, in the words of the language in force."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from django.utils.translation import pgettext

ONE_DAY: Final = timedelta(days=1)
FIRST: Final = "1ᵉʳ"  # French says "premier" for the first day of a month alone


def day(value: date, locale: Locale, year: bool = True) -> str:
    """ "1 November 2026", "1ᵉʳ novembre 2026", "November 1, 2026"."""
    if _month_first(locale):
        return format_date(value, "MMMM d, y" if year else "MMMM d", locale)
    text = format_date(value, "d MMMM y" if year else "d MMMM", locale)
    return text.replace("1 ", f"{FIRST} ", 1) if locale.language == "fr" and value.day == 1 else text


def span(first: date, last: date, locale: Locale, year: bool = True) -> str:
    """Both days inside: "1 to 31 October 2026", "du 28 octobre au 3 novembre 2026"."""
    if first >= last:
        return day(last, locale, year)
    end = day(last, locale, year)
    if _month_first(locale) or first.year != last.year:
        start = day(first, locale, year)
    elif first.month != last.month:
        start = day(first, locale, year=False)
    else:
        start = FIRST if locale.language == "fr" and first.day == 1 else str(first.day)
    return pgettext("days", "%(first)s to %(last)s") % {"first": start, "last": end}


def instants(start: datetime, end: datetime, zone: str, locale: Locale) -> str:
    """[start, end) in local time: whole days as days, else with the time of day at the cut."""
    there = ZoneInfo(zone)
    first, last = start.astimezone(there), end.astimezone(there)
    whole_start, whole_end = _is_midnight(first), _is_midnight(last)
    if whole_start and whole_end:
        return span(first.date(), last.date() - ONE_DAY, locale)
    opened = day(first.date(), locale) if whole_start else moment(first, locale)
    closed = day(last.date() - ONE_DAY, locale) if whole_end else moment(last, locale)
    return pgettext("days", "%(first)s to %(last)s") % {"first": opened, "last": closed}


def moment(value: datetime, locale: Locale) -> str:
    """A day with its local time: "16 October 2026, 09:30"."""
    return pgettext("on paper", "%(day)s, %(time)s") % {
        "day": day(value.date(), locale),
        "time": value.strftime("%H:%M"),
    }


def month(first: date, last: date, locale: Locale, year: bool = False) -> str | None:
    """The month that the days fill, "October"; None if they fill none."""
    if first.day != 1 or (last + ONE_DAY).day != 1 or (first.year, first.month) != (last.year, last.month):
        return None
    return format_date(first, "LLLL y" if year else "LLLL", locale)


def _is_midnight(value: datetime) -> bool:
    return not (value.hour or value.minute or value.second or value.microsecond)


def _month_first(locale: Locale) -> bool:
    return locale.language == "en" and locale.territory == "US"
