"""Where the reader is signed in, each session with its device in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext

from accounts.models import User
from portal.sessions import live_sessions

# The first that fits: most browsers also name those they descend from.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session; `own` is the one that reads."""

    id: int
    device: str
    address: str
    since: datetime
    seen: datetime
    own: bool


@dataclass(frozen=True, slots=True)
class SessionsPage:
    rows: Sequence[SessionRow]

    @property
    def others(self) -> bool:
        return any(not row.own for row in self.rows)


def sessions_page(user: User, key: str | None) -> SessionsPage:
    """`key` is that of the session that reads."""
    rows = [
        SessionRow(
            row.pk, device(row.user_agent), row.ip, row.created_at, row.last_seen_at, row.session_key == key
        )
        for row in live_sessions(user)
    ]
    return SessionsPage(sorted(rows, key=lambda row: not row.own))


def device(agent: str) -> str:
    """ "Firefox on Windows", from what a browser says of itself."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser and system:
        return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or gettext("Unknown device")
