"""`/billing/settings/`."""

from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.permissions import Act, allows
from portal.pages.settings import settings_page
from portal.views.base import PortalRequest, page, show


@require_safe
@page(place="settings")
def show_settings(request: PortalRequest) -> HttpResponseBase:
    with_keys = allows(request.membership.role, Act.SEE_KEYS)
    return show(request, "portal/settings.html", settings_page(request.account, with_keys))
