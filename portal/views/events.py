"""`/billing/usage/events/`, its CSV, and the page of one event: every view is a URL."""

from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.exports import CSV, file_name, sent
from portal.pages.event import event_page
from portal.pages.events import EventQuestion, closed_periods, read_events_question, show_events_page
from portal.pages.events_csv import events_csv
from portal.pages.periods import period_holding
from portal.views.base import PortalRequest, page, show


@require_safe
@page(place="usage")
def show_events(request: PortalRequest) -> HttpResponseBase:
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    found = show_events_page(request.account, _question(request), after, before)
    return show(request, "portal/events.html", found)


@require_safe
@page(place="usage")
def download(request: PortalRequest) -> HttpResponseBase:
    """The same events, all of them."""
    question, account = _question(request), request.account
    name = file_name("events", account, f"{question.span.first}-{question.span.last}", "csv")
    return sent(events_csv(account, question, closed_periods(account, question)), name, CSV)


@require_safe
@page(place="usage")
def show_event(request: PortalRequest, event: str) -> HttpResponseBase:
    """One event; `?id=` in place of an id that no path can hold, `?source=` where several sources have the same."""
    asked = request.GET.get("id") or event
    source = request.GET.get("source", "")
    found = None if "\0" in asked + source else event_page(request.account, asked, source)
    if found is None:
        raise Http404
    return show(request, "portal/event.html", found)


def _question(request: PortalRequest) -> EventQuestion:
    now = timezone.now()
    return read_events_question(request.GET, request.account, now, period_holding(request.account, now))
