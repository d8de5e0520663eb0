"""`/billing/settings/keys/`: make a key and see it once, replace it, revoke it."""

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.keys import in_force, make_key, replace_key, revoke_key
from accounts.models import ApiKey
from accounts.permissions import Act
from billing.webhooks.sealing import Unreadable, seal, unseal
from portal.pages.keys import KeyForm, ReplaceForm, given_scopes, key_page, keys_page
from portal.views.base import PortalRequest, page, refuse, show
from portal.views.fresh import fresh

NEW_KEY: Final = "new_key"
"""In the session: a key that was just made, sealed, until its page shows it."""


@require_safe
@page(Act.SEE_KEYS, place="settings")
def show_keys(request: PortalRequest) -> HttpResponseBase:
    found = keys_page(request.account, timezone.now(), request.GET.get("page", "1"))
    return show(request, "portal/keys.html", found)


@require_safe
@page(Act.SEE_KEYS, place="settings")
def show_key(request: PortalRequest, key: UUID) -> HttpResponseBase:
    """The key's page; the first time after it was made with its text."""
    found = _key(request, key)
    text = _new_text(request, found) if request.method == "GET" else ""
    return show(request, "portal/key.html", key_page(found, timezone.now(), text))


@require_http_methods(["GET", "HEAD", "POST"])
@page(Act.MANAGE_KEYS, place="settings")
@fresh
def make(request: PortalRequest) -> HttpResponseBase:
    given = given_scopes(request.membership.role)
    form = KeyForm(given, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        status = 422 if form.is_bound else 200
        return show(request, "portal/key_new.html", None, status=status, form=form)
    wanted = form.cleaned_data
    made = make_key(
        request.account, wanted["name"], wanted["scopes"], form.expires_at(timezone.now()), request.user
    )
    return _shown_once(request, *made)


@require_http_methods(["GET", "HEAD", "POST"])
@page(Act.MANAGE_KEYS, place="settings")
@fresh
def replace(request: PortalRequest, key: UUID) -> HttpResponseBase:
    """Another key in place of this one, which goes on for a while."""
    old, now = _key(request, key, live=True), timezone.now()
    if not set(old.scopes) <= set(given_scopes(request.membership.role)):
        return refuse(request, Act.GIVE_MANAGE)
    form = ReplaceForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        found, status = key_page(old, now), 422 if form.is_bound else 200
        return show(request, "portal/key_replace.html", found, status=status, form=form)
    made = replace_key(old, form.until(now), request.user)
    if made is None:
        raise Http404
    return _shown_once(request, *made)


@require_http_methods(["GET", "HEAD", "POST"])
@page(Act.MANAGE_KEYS, place="settings")
def revoke(request: PortalRequest, key: UUID) -> HttpResponseBase:
    """What it means, then the deed. Nobody is asked who he is: a key that got lost is to end at once."""
    found = _key(request, key, live=True)
    if request.method != "POST":
        return show(request, "portal/key_revoke.html", key_page(found, timezone.now()))
    revoke_key(found, request.user)
    messages.success(request, gettext("%(name)s is revoked.") % {"name": found.name})
    return redirect("portal:keys")


def _shown_once(request: PortalRequest, key: ApiKey, text: str) -> HttpResponseBase:
    """To the key's page, which shows the text: it is in no address and no history, and sealed while it waits."""
    request.session[NEW_KEY] = [str(key.pk), seal(text.encode()).decode()]
    return redirect("portal:key", key.pk)


def _new_text(request: PortalRequest, key: ApiKey) -> str:
    """The text of the key, if it is the one that was just made; it is gone from the session then."""
    pk, sealed = request.session.get(NEW_KEY, ("", ""))
    if pk != str(key.pk):
        return ""
    del request.session[NEW_KEY]
    try:
        return unseal(sealed.encode()).decode()
    except Unreadable:
        return ""


def _key(request: PortalRequest, key: UUID, live: bool = False) -> ApiKey:
    rows = ApiKey.objects.filter(pk=key, account=request.account).select_related("account", "created_by")
    found = rows.first()
    if found is None or (live and not in_force(found, timezone.now())):
        raise Http404
    return found
