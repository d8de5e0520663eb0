"""`/billing/upcoming/`."""

from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.pages.upcoming import upcoming_page
from portal.views.base import PortalRequest, page, show


@require_safe
@page(place="invoices")
def show_upcoming(request: PortalRequest) -> HttpResponseBase:
    found = upcoming_page(request.account, timezone.now())
    if found is None:
        return show(request, "portal/no_plan.html", None)
    return show(request, "portal/upcoming.html", found)
