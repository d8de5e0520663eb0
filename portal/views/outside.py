"""Pages whose facts come over the network: they are asked for before the page's transaction begins."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http.response import HttpResponseBase

from accounts.middleware import own_scope
from accounts.permissions import Act, allows
from accounts.scope import account_scope
from portal.views.base import PortalRequest, reader

type View = Callable[..., HttpResponseBase]


def asks_first(act: Act, ask: Callable[..., object]) -> Callable[[View], View]:
    """Put `ask(request, …)` before a page, for members who may `act`; the view is given its answer as `asked`.

    The others come to the page, which refuses them.
    """

    def decorate(view: View) -> View:
        @own_scope
        @wraps(view)
        def inner(request: PortalRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if getattr(request, "membership", None) is None:
                return view(request, *args, **kwargs)
            if allows(request.membership.role, act):
                with reader(request):
                    request.asked = ask(request, *args, **kwargs)  # type: ignore[attr-defined]
            with account_scope(request.account.pk):
                return view(request, *args, **kwargs)

        return inner

    return decorate


def answer_of(request: PortalRequest) -> Any:
    """What was asked first."""
    return request.asked  # type: ignore[attr-defined]
