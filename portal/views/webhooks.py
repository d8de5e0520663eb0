"""`/billing/settings/webhooks/`: add, try, sign with a new secret, switch off and on, remove; and what was sent."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Act
from billing.webhooks import actions
from billing.webhooks.errors import WebhookError
from billing.webhooks.models import Delivery, Endpoint
from portal.pages.webhooks import WebhookForm, webhook_page, webhooks_page
from portal.views.base import PortalRequest, page, show


@require_http_methods(["GET", "HEAD", "POST"])
@page(place="settings")
def show_webhooks(request: PortalRequest) -> HttpResponseBase:
    """The list and the form; a POST adds one and shows its secret, this once."""
    if request.method != "POST":
        return show(request, "portal/webhooks.html", webhooks_page(request.account))
    return _add(request)


@page(Act.CHANGE_WEBHOOKS, place="settings")
def _add(request: PortalRequest) -> HttpResponseBase:
    url, description = request.POST.get("url", "").strip(), request.POST.get("description", "").strip()
    types = request.POST.getlist("types")
    try:
        endpoint, secret = actions.add_endpoint(request.account, url, types, description, by=request.user)
    except WebhookError as error:
        form = WebhookForm(url, description, types, ((error.field or "url", error.sentence),))
        found = webhooks_page(request.account, form)
        return show(request, "portal/webhooks.html", found, status=422)
    return show(request, "portal/webhook.html", webhook_page(endpoint, secret), status=201)


@require_safe
@page(place="settings")
def show_webhook(request: PortalRequest, webhook: UUID) -> HttpResponseBase:
    return show(request, "portal/webhook.html", webhook_page(_endpoint(request, webhook)))


@require_POST
@page(Act.CHANGE_WEBHOOKS, place="settings")
def act(request: PortalRequest, webhook: UUID) -> HttpResponseBase:
    """Whatever the button says: one of `_ACTS`, or a new secret, which is shown at once."""
    endpoint, wanted = _endpoint(request, webhook), request.POST.get("act", "")
    if wanted == "secret":
        secret = actions.rotate_secret(endpoint)
        return show(request, "portal/webhook.html", webhook_page(endpoint, secret))
    if wanted not in _ACTS:
        raise Http404
    try:
        words = _ACTS[wanted](endpoint)
    except WebhookError as error:
        messages.error(request, error.sentence)
    else:
        messages.success(request, words)
    return redirect("portal:webhooks") if wanted == "remove" else redirect("portal:webhook", webhook)


@require_POST
@page(Act.CHANGE_WEBHOOKS, place="settings")
def again(request: PortalRequest, webhook: UUID) -> HttpResponseBase:
    """Send one delivery again."""
    try:
        found = Delivery.objects.filter(
            pk=request.POST.get("delivery", ""), endpoint=_endpoint(request, webhook)
        ).first()
    except ValidationError:
        found = None
    if found is None:
        raise Http404
    try:
        actions.send_again(found)
    except WebhookError as error:
        messages.error(request, error.sentence)
    else:
        messages.success(request, gettext("It is sent again now."))
    return redirect("portal:webhook", webhook)


def _test(endpoint: Endpoint) -> str:
    actions.send_test(endpoint)
    return gettext("A test is on its way. Reload the page to see what became of it.")


def _on(endpoint: Endpoint) -> str:
    actions.change_endpoint(endpoint, active=True)
    return gettext("Switched on: what happens from now on is sent.")


def _off(endpoint: Endpoint) -> str:
    actions.change_endpoint(endpoint, active=False)
    return gettext("Switched off: nothing more is sent there.")


def _remove(endpoint: Endpoint) -> str:
    actions.remove_endpoint(endpoint)
    return gettext("The webhook is removed.")


_ACTS: Final[Mapping[str, Callable[[Endpoint], str]]] = {
    "test": _test,
    "on": _on,
    "off": _off,
    "remove": _remove,
}


def _endpoint(request: PortalRequest, webhook: UUID) -> Endpoint:
    found = Endpoint.objects.filter(pk=webhook, account=request.account).first()
    if found is None:
        raise Http404
    return found
