"""`/billing/`."""

from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.pages.overview import overview
from portal.views.base import PortalRequest, page, show


@require_safe
@page(place="overview")
def show_overview(request: PortalRequest) -> HttpResponseBase:
    found = overview(request.account, timezone.now(), request.GET.get("period", ""))
    if found is None:
        return show(request, "portal/no_plan.html", None)
    return show(request, "portal/overview.html", found, overview_url=reverse("portal:overview"))
