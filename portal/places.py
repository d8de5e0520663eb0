"""Countries and time zones by the names that readers know them by, in the language in force (CLDR, through Babel)."""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import available_timezones

from babel import Locale
from babel.dates import get_timezone_location
from django.utils.translation import gettext_lazy

from accounts.validators import COUNTRIES
from portal import formats

REGIONS: Final = {
    "Africa": gettext_lazy("Africa"),
    "America": gettext_lazy("America"),
    "Antarctica": gettext_lazy("Antarctica"),
    "Arctic": gettext_lazy("Arctic"),
    "Asia": gettext_lazy("Asia"),
    "Atlantic": gettext_lazy("Atlantic Ocean"),
    "Australia": gettext_lazy("Australia"),
    "Europe": gettext_lazy("Europe"),
    "Indian": gettext_lazy("Indian Ocean"),
    "Pacific": gettext_lazy("Pacific Ocean"),
}

type Choices = Sequence[tuple[str, str]]


def countries() -> Choices:
    """Each country's code and its name, in the order of the language's letters."""
    names = formats.current().territories
    return _in_order((code, str(names.get(code, code))) for code in COUNTRIES)


def country_name(code: str) -> str:
    return str(formats.current().territories.get(code, code))


def zones(own: str = "") -> Sequence[tuple[str, Choices]]:
    """Regions with their zones, each by its city: those that the tz database lists for a country, UTC, and `own`."""
    found = [(str(name), _cities(region, formats.current())) for region, name in REGIONS.items()]
    listed = {zone for _, cities in found for zone, _ in cities} | {"UTC"}
    others = [("UTC", "UTC"), *([(own, own)] if own and own not in listed else [])]
    return [("UTC", others), *found]


@cache
def _cities(region: str, locale: Locale) -> Choices:
    inside = (zone for zone in _listed() if zone.startswith(f"{region}/"))
    return _in_order((zone, _city(zone, locale)) for zone in inside)


def _city(zone: str, locale: Locale) -> str:
    """CLDR's name; where it has none, the last part of the zone's."""
    return str(get_timezone_location(zone, locale=locale, return_city=True)).rpartition("/")[2]


@cache
def _listed() -> Sequence[str]:
    """zone.tab: one name for each stretch of a country whose clocks agree; old names and bare offsets are not in it."""
    lines = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8").splitlines()
    known = available_timezones()
    return [zone for line in lines if line[:1] not in ("", "#") and (zone := line.split("\t")[2]) in known]


def _in_order(choices: Iterable[tuple[str, str]]) -> Choices:
    return sorted(choices, key=lambda one: _plain(one[1]))


def _plain(name: str) -> str:
    """Without accents: "Émirats" stands among the words with E."""
    apart = unicodedata.normalize("NFD", name)
    return "".join(mark for mark in apart if not unicodedata.combining(mark)).casefold()
