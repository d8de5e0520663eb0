"""Opens the scope that a request may see, around its view: one transaction, one account (or, for staff, all); and says
who acts in it (accounts/activity.py).

A view that answers 400 or more leaves nothing behind: its transaction is rolled back. A view marked with
`own_scope` (usage intake, the live stream) opens its own.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from accounts import scope
from accounts.activity import SYSTEM, acting, acts
from accounts.keys import find_key, note_use
from accounts.members import memberships_of
from accounts.models import Account, ApiKey, Membership, User
from accounts.reading import one_reading

SESSION_ACCOUNT = "account"
SIGN_IN: Final = "/accounts/"
"""allauth's pages: they touch no account's rows, and raise what allauth's own middleware answers, which sees only what
Django calls."""
SAFE: Final = ("GET", "HEAD")
"""Methods that change nothing: their answer is one reading."""


def own_scope[View: Callable[..., Any]](view: View) -> View:
    """Mark a view that opens its own scope or needs none."""
    view.own_scope = True  # type: ignore[attr-defined]
    return view


class ScopeMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting(SYSTEM):
            return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        with one_reading() if request.method in SAFE else nullcontext():
            return self._answer(request, view, args, kwargs)

    def _answer(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        opened = self._scope_of(request)
        if getattr(view, "own_scope", False) or request.path.startswith(SIGN_IN):
            return None
        with opened:
            response = view(request, *args, **kwargs)
            render = getattr(response, "render", None)
            if callable(render) and not getattr(response, "is_rendered", True):
                response = render()
            if response.status_code >= 400 and not isinstance(opened, nullcontext):
                transaction.set_rollback(True)
        return response

    def _scope_of(self, request: HttpRequest) -> AbstractContextManager[None]:
        if request.path.startswith("/api/v1/"):
            key = bearer_key(request)
            request.api_key = key  # type: ignore[attr-defined]
            if key is None:
                return nullcontext()
            acts(key)
            return scope.account_scope(key.account_id) if key.account_id else scope.installation_scope()
        user = request.user
        if not isinstance(user, User):
            return nullcontext()
        acts(user)
        if request.path.startswith("/admin/"):
            return scope.installation_scope() if user.is_staff else nullcontext()
        membership = current_membership(request, user)
        request.membership = membership  # type: ignore[attr-defined]
        request.account = membership and membership.account  # type: ignore[attr-defined]
        return scope.account_scope(membership.account_id) if membership else nullcontext()


def bearer_key(request: HttpRequest) -> ApiKey | None:
    """The live key in the Authorization header, or None. Its use is noted whatever the request comes to."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    now = timezone.now()
    key = find_key(text.strip(), now)
    if key is not None:
        note_use(key, now)
    return key


def current_membership(request: HttpRequest, user: User) -> Membership | None:
    """The membership whose account the person last chose, else the first one."""
    memberships = memberships_of(user)
    chosen = request.session.get(SESSION_ACCOUNT)
    return next(
        (one for one in memberships if one.account.code == chosen), memberships[0] if memberships else None
    )


def choose_account(request: HttpRequest, account: Account) -> None:
    request.session[SESSION_ACCOUNT] = account.code
