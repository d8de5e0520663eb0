"""Choosing the account that the pages show."""

from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.middleware import choose_account
from accounts.models import Membership
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
