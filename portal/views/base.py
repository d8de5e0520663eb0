"""What every page of the portal shares: who may see it, in which language and zone, and how it is answered.

A person without an account here gets 404, as for anything else that is not his; a member whose role does not
allow an act gets 403 with a sentence that says who may. Pages are never cached.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import redirect, render
from django.utils import timezone, translation

from accounts.languages import language_of
from accounts.models import Account, Membership, Role, User
from accounts.permissions import ALLOWED, Act, allows
from portal.pages.shell import shell


class PortalRequest(HttpRequest):
    """A request of a signed-in member (accounts/middleware.py)."""

    user: User
    account: Account
    membership: Membership


_gzip: Final = GZipMiddleware(lambda request: HttpResponse())

type View[**P] = Callable[Concatenate[PortalRequest, P], HttpResponseBase]


def page[**P](
    act: Act = Act.READ, place: str = "overview"
) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """Turn a view into a page for members whose role allows `act`; `place` is its place in the rail."""

    def decorate(view: View[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def inner(request: PortalRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if getattr(request, "membership", None) is None:
                if request.user.is_staff:
                    return redirect("admin:index")
                raise Http404
            request.place = place  # type: ignore[attr-defined]
            with reader(request):
                response = _answer(request, act, view, *args, **kwargs)
                response.headers["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
            response.headers["Cache-Control"] = "no-store"
            _frame(response)
            return _small(request, response)

        return inner

    return decorate


def _frame(response: HttpResponseBase) -> None:
    """Let the operator's own sites show the page in a frame, if any are named; those that ask for card numbers, which
    have a policy of their own, in none.
    """
    if settings.EMBED_ORIGINS and not hasattr(response, "_csp_config"):
        ancestors = {"frame-ancestors": ["'self'", *settings.EMBED_ORIGINS]}
        response._csp_config = {**settings.SECURE_CSP, **ancestors}  # type: ignore[attr-defined]
        response.xframe_options_exempt = True  # type: ignore[attr-defined]


def _small(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """A page as gzip, with the random length by which Django's hides what a page repeats (BREACH)."""
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        return response
    small: HttpResponseBase = _gzip.process_response(request, response)
    return small


def _answer(
    request: PortalRequest, act: Act, view: Callable[..., HttpResponseBase], *args: Any, **kwargs: Any
) -> HttpResponseBase:
    if not allows(request.membership.role, act):
        return refuse(request, act)
    try:
        return view(request, *args, **kwargs)
    except Http404:
        return show(request, "portal/not_found.html", None, status=404)


def refuse(request: PortalRequest, act: Act) -> HttpResponse:
    """403, and which roles may do `act`."""
    return show(
        request,
        "portal/forbidden.html",
        None,
        status=403,
        roles=[role.label for role in Role if role in ALLOWED[act]],
        role=request.membership.get_role_display(),
    )


def show(
    request: PortalRequest, template: str, page: object, status: int = 200, **extra: object
) -> HttpResponse:
    """The page in its shell. `may` tells templates which acts to offer."""
    place = getattr(request, "place", "overview")
    context = {
        "page": page,
        "shell": shell(request.user, request.account, timezone.now(), request.get_full_path(), place),
        "may": {act.value: allows(request.membership.role, act) for act in Act},
        **extra,
    }
    return render(request, template, context, status=status)


@contextmanager
def reader(request: HttpRequest) -> Iterator[None]:
    """The language and zone of the person who reads: the account's, unless he chose another language, in this browser
    or before in another one."""
    account: Account = request.account  # type: ignore[attr-defined]
    user: User = request.user  # type: ignore[assignment]
    with reading_as(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, user.language), account):
        yield


@contextmanager
def reading_as(chosen: str, account: Account) -> Iterator[None]:
    language = language_of(chosen, account.locale)
    with translation.override(language), timezone.override(ZoneInfo(account.timezone)):
        yield
