"""Sensitive acts: who signed in too long ago is asked once more who he is.

allauth keeps when and how a session was proved, and asks; a session that a link opened (portal/views/portal_links.py)
has proved nothing yet.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate

from allauth.account.adapter import get_adapter
from allauth.account.app_settings import REAUTHENTICATION_TIMEOUT
from allauth.account.authentication import get_authentication_records
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from portal.views.base import PortalRequest


def fresh[**P](
    view: Callable[Concatenate[PortalRequest, P], HttpResponseBase],
) -> Callable[Concatenate[PortalRequest, P], HttpResponseBase]:
    """Below `page`: a view for those who proved lately who they are. The others prove it and come back by GET: to the
    same address, or where they were when they sent a form."""

    @wraps(view)
    def inner(request: PortalRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if proved_lately(request):
            return view(request, *args, **kwargs)
        ways = get_adapter().get_reauthentication_methods(request.user)
        if not ways:  # neither a password nor a second factor: one is set by mail first
            return redirect("account_reset_password")
        return redirect(f"{ways[0]['url']}?{urlencode({'next': _back(request)})}")

    return inner


def proved_lately(request: PortalRequest) -> bool:
    """Whether the session was proved, by signing in or again, less than ACCOUNT_REAUTHENTICATION_TIMEOUT ago."""
    proofs = get_authentication_records(request, request.user)
    return any(time.time() - proof["at"] < REAUTHENTICATION_TIMEOUT for proof in proofs)


def _back(request: PortalRequest) -> str:
    """A form's own page is asked for anew; one that only takes forms leads to the settings."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    asked = request.POST.get("page", "")
    return asked if asked.startswith("/billing/") else reverse("portal:settings")
