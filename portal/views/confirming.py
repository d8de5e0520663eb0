"""Sensitive acts ask once more who it is: by password or code, not older than ACCOUNT_REAUTHENTICATION_TIMEOUT."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate
from urllib.parse import urlencode

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from portal.views.base import PortalRequest

type View[**P] = Callable[Concatenate[PortalRequest, P], HttpResponseBase]


def asks_who[**P](view: View[P]) -> Callable[..., HttpResponseBase]:
    """Put it inside `page`. Who comes is led to allauth's page and back to this one's form.

    allauth's own answer would run a view that changes something outside of the account's scope.
    """
    asking = reauthentication_required(view)

    @wraps(view)
    def inner(request: PortalRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return asking(request, *args, **kwargs)  # type: ignore[no-any-return]
        except ReauthenticationRequired:
            return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': request.path})}")

    return inner
