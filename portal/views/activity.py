"""`/billing/activity/`: who changed what."""

from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from portal.pages.activity import activity_page
from portal.views.base import PortalRequest, page, show


@require_safe
@page(place="settings")
def show_activity(request: PortalRequest) -> HttpResponseBase:
    asked = {name: request.GET.get(name, "") for name in ("who", "kind", "before")}
    return show(request, "portal/activity.html", activity_page(request.account, **asked))
