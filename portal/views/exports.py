"""`/billing/exports/`: files for other programs, each by a plain form."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.invoices.exports.accounting import accounting_csv
from billing.invoices.exports.archive import archive
from billing.invoices.exports.espi import Span, greenbutton_xml, supplies
from billing.invoices.exports.focus import focus_csv
from billing.invoices.exports.reading import Chosen, any_document
from billing.invoices.exports.usage import Asked, usage_csv
from billing.plans.models import Meter
from billing.pricing.dates import add_intervals, local_midnight
from portal.exports import ATOM, CSV, ZIP, file_name, of_year, sent
from portal.pages.exports import exports_page
from portal.views.base import PortalRequest, page, show

_YEAR: Final = re.compile(r"(197[1-9]|19[89]\d|20\d\d|21[0-8]\d)", re.ASCII)
_MONTH: Final = re.compile(rf"{_YEAR.pattern}-(0[1-9]|1[0-2])", re.ASCII)


@require_safe
@page(place="invoices")
def show_exports(request: PortalRequest) -> HttpResponseBase:
    return show(request, "portal/exports.html", exports_page(request.account, timezone.now()))


@require_safe
@page(place="invoices")
def invoices_zip(request: PortalRequest) -> HttpResponseBase:
    chosen = _year(request)
    if not any_document(chosen):
        raise Http404
    return _documents(archive(chosen), chosen, "invoices", "zip", ZIP)


@require_safe
@page(place="invoices")
def accounting(request: PortalRequest) -> HttpResponseBase:
    return _csv(request, accounting_csv, "accounting")


@require_safe
@page(place="invoices")
def focus(request: PortalRequest) -> HttpResponseBase:
    return _csv(request, focus_csv, "focus")


@require_safe
@page(place="invoices")
def usage(request: PortalRequest) -> HttpResponseBase:
    """All meters by the day of a calendar month of the account's zone."""
    asked, account = _month(request), request.account
    meters = list(Meter.objects.order_by("code"))
    found = usage_csv(Asked(account, meters, asked.start, asked.end, "day", []))
    return sent(found, file_name("usage", account, asked.name, "csv"), CSV)


@require_safe
@page(place="invoices")
def greenbutton(request: PortalRequest) -> HttpResponseBase:
    """All meters of energy, gas or water by the hour of a calendar month."""
    asked, meters = _month(request), supplies()
    if not meters:
        raise Http404
    span = Span(request.account, asked.start, asked.end, "hour")
    name = file_name("greenbutton", request.account, asked.name, "xml")
    return sent(greenbutton_xml(span, meters), name, ATOM)


def _csv(request: PortalRequest, written: Callable[[Chosen], Iterator[bytes]], what: str) -> HttpResponseBase:
    chosen = _year(request)
    return _documents(written(chosen), chosen, what, "csv", CSV)


def _documents(
    parts: Iterator[bytes], chosen: Chosen, what: str, suffix: str, media_type: str
) -> HttpResponseBase:
    return sent(parts, file_name(what, chosen.account, chosen.name, suffix), media_type)


def _year(request: PortalRequest) -> Chosen:
    """The form offers years; another text in their place is no address of ours."""
    text = request.GET.get("year", "")
    if not _YEAR.fullmatch(text):
        raise Http404
    return of_year(request.account, int(text))


@dataclass(frozen=True, slots=True)
class Month:
    """[start, end) of a calendar month of the account's zone, so far."""

    name: str
    start: datetime
    end: datetime


def _month(request: PortalRequest) -> Month:
    text = request.GET.get("month", "")
    if not _MONTH.fullmatch(text):
        raise Http404
    first = date.fromisoformat(f"{text}-01")
    start, end = (
        local_midnight(day, request.account.timezone) for day in (first, add_intervals(first, "month", 1))
    )
    return Month(text, start, min(end, max(start, timezone.now())))
