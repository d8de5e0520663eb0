"""`/billing/open/<token>/`: where a host product sends a member whom it has signed in (accounts/portal_links.py).

The session is that of the person, but has proved nothing: sensitive acts ask for the password first (fresh.py).
"""

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.middleware import choose_account, own_scope
from accounts.portal_links import use_link
from accounts.scope import installation_scope
from portal.sessions import note_sign_in


@own_scope
@never_cache
@require_GET
def open_link(request: HttpRequest, token: str) -> HttpResponseBase:
    with installation_scope():
        link = use_link(token)
    if link is None:
        return render(request, "portal/link_gone.html", status=410)
    if request.user.is_authenticated:
        request.session.flush()  # nothing of the session before goes into this one, whosever it was
    login(request, link.user, settings.AUTHENTICATION_BACKENDS[0])
    note_sign_in(request)
    choose_account(request, link.account)
    return redirect(link.path)
