"""`/billing/settings/` and the forms of the account itself."""

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Account
from accounts.permissions import Act, allows
from portal import acts
from portal.pages.details import AccountForm, DetailsForm, checked
from portal.pages.language import LanguageForm
from portal.pages.settings import settings_page
from portal.views.base import PortalRequest, page, reader, show


@require_safe
@page(place="settings")
def show_settings(request: PortalRequest) -> HttpResponseBase:
    with_keys = allows(request.membership.role, Act.SEE_KEYS)
    return show(
        request,
        "portal/settings.html",
        settings_page(request.account, request.membership, timezone.now(), with_keys),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(Act.CHANGE_DETAILS, place="settings")
def details(request: PortalRequest) -> HttpResponseBase:
    """Billing details. A POST changes them, and says what was looked at of a new VAT id."""
    if request.method != "POST":
        return _form(request, "details", DetailsForm(request.account))
    form = DetailsForm(_locked(request), request.POST)
    if not form.is_valid():
        return _form(request, "details", form)
    changed = _change(request, form)
    messages.success(
        request, gettext("Saved. They stand on your next invoice; issued ones stay as they are.")
    )
    if {"tax_id", "country"} & changed.keys() and (words := checked(form.account)):
        messages.success(request, gettext("VAT id: %(words)s") % {"words": words})
    return redirect("portal:settings")


@require_http_methods(["GET", "HEAD", "POST"])
@page(Act.CHANGE_DETAILS, place="settings")
def language(request: PortalRequest) -> HttpResponseBase:
    """Language and time zone of the account."""
    if request.method != "POST":
        return _form(request, "language", LanguageForm(request.account))
    form = LanguageForm(_locked(request), request.POST)
    if not form.is_valid():
        return _form(request, "language", form)
    changed = _change(request, form)
    request.account = form.account
    with reader(request):  # the next page is in the new language already
        words = gettext("Saved.")
        if "timezone" in changed:
            words = gettext("Saved. The time zone holds from the next billing period on.")
        messages.success(request, words)
    return redirect("portal:settings")


def _locked(request: PortalRequest) -> Account:
    """The account as it is now, which nobody else changes until the answer."""
    return Account.objects.select_for_update(no_key=True).get(pk=request.account.pk)


def _change(request: PortalRequest, form: AccountForm) -> dict[str, str]:
    """Keep what the form changes, and answer with it."""
    changed = form.changes()
    acts.change_account(form.account, changed)
    return changed


def _form(request: PortalRequest, name: str, form: AccountForm) -> HttpResponseBase:
    return show(request, f"portal/{name}.html", form, status=422 if form.is_bound else 200, form=form)
