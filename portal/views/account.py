"""Choosing the account that the pages show, and the language."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from accounts.middleware import choose_account
from accounts.models import Membership, User
from portal.views.base import PortalRequest, page


@require_POST
@page()
def switch(request: PortalRequest) -> HttpResponseBase:
    """Show another account of the same person; an account that is not his is 404."""
    own = Membership.objects.filter(user=request.user).select_related("account")
    membership = get_object_or_404(own, account__code=request.POST.get("account", ""))
    choose_account(request, membership.account)
    response: HttpResponseRedirect = redirect("portal:overview")
    return response


@require_POST
def choose_language(request: HttpRequest) -> HttpResponseBase:
    """Django's choice, kept in a cookie; of who is signed in also for other browsers and for mails."""
    chosen = request.POST.get("language", "")
    if isinstance(request.user, User) and chosen in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=chosen)
    return set_language(request)
