"""`/billing/`."""

from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.usage.queries import usage_mark
from portal.pages.overview import overview
from portal.views.base import PortalRequest, page, show
from portal.views.live import SEEN


@require_safe
@page(place="overview")
def show_overview(request: PortalRequest) -> HttpResponseBase:
    mark = usage_mark(request.account)  # before the figures: what comes after it is news to the stream
    found = overview(request.account, timezone.now(), request.GET.get("period", ""))
    if found is None:
        return show(request, "portal/no_plan.html", None)
    own, live = reverse("portal:overview"), reverse("portal:live", query={SEEN: mark})
    return show(request, "portal/overview.html", found, overview_url=own, live_url=live)
