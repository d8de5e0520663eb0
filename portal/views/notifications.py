"""`/billing/settings/notifications/`: each person chooses the mails about the account, whatever his role."""

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from accounts.models import Membership
from portal.pages.notifications import NotificationsForm, notifications_page
from portal.views.base import PortalRequest, page, show


@require_http_methods(["GET", "HEAD", "POST"])
@page(place="settings")
def notifications(request: PortalRequest) -> HttpResponseBase:
    member = request.membership
    form = NotificationsForm(member, request.POST if request.method == "POST" else None)
    if form.is_valid():
        Membership.objects.filter(pk=member.pk).update(mails=sorted(form.cleaned_data["mails"]))
        messages.success(request, gettext("Saved. It holds from the next mail on."))
        return redirect("portal:notifications")
    found = notifications_page(request.account, member, form["mails"].value() or [])
    return show(request, "portal/notifications.html", found, status=422 if form.is_bound else 200, form=form)
