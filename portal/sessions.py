"""Where a person is signed in: allauth keeps a row for each session (usersessions), here it is kept true and read.

A session is good while it is stored, has not run out, and holds the hash of the password in force: Django ends all
other sessions when the password changes. `last_seen_at` is true to `SEEN_EVERY`, so that a page costs no write.
"""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from allauth.account.signals import user_logged_in
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import User

SEEN_EVERY: Final = timedelta(minutes=5)
_SEEN: Final = "seen"


class SeenLately:
    """Middleware, behind those that know the user: notes that a session is in use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        seen = request.session.get(_SEEN) if settings.SESSION_COOKIE_NAME in request.COOKIES else None
        if seen is not None and time.time() - seen > SEEN_EVERY.total_seconds():
            note_sign_in(request)
        return self.get_response(request)


def note_sign_in(request: HttpRequest) -> None:
    """Keep, or keep true, the row of this session: device, address and time."""
    if request.user.is_authenticated and request.META.get("REMOTE_ADDR"):
        UserSession.objects.create_from_request(request)
    request.session[_SEEN] = int(time.time())


def _signed_in(sender: Any, request: HttpRequest, **more: Any) -> None:
    request.session[_SEEN] = int(time.time())


user_logged_in.connect(_signed_in, dispatch_uid="portal.sessions")


def live_sessions(user: User) -> Sequence[UserSession]:
    """The sessions in which `user` is signed in, last seen first."""
    rows = {row.session_key: row for row in UserSession.objects.filter(user=user).order_by("-last_seen_at")}
    stored = Session.objects.filter(session_key__in=rows, expire_date__gt=timezone.now())
    good = {one.session_key for one in stored if _holds(one, user)}
    return [row for key, row in rows.items() if key in good]


def end_sessions(rows: Sequence[UserSession]) -> None:
    for row in rows:
        row.end()


def _holds(session: Session, user: User) -> bool:
    """Whether the session was begun, or kept, with the password in force."""
    return constant_time_compare(
        session.get_decoded().get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()
    )
