"""`/billing/usage/` and its CSV: every view is a URL."""

import csv
from collections.abc import Iterator
from urllib.parse import urlencode

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.invoices.exports.cells import safe_text
from billing.plans.queries import period_at
from billing.pricing.money import money_string, plain
from portal.pages.periods import choices
from portal.pages.usage import METER, UsagePage, read_question, usage_page
from portal.views.base import PortalRequest, page, show


@require_safe
@page(place="usage")
def show_usage(request: PortalRequest) -> HttpResponseBase:
    now = timezone.now()
    running = period_at(request.account, now)
    question = read_question(request.GET.dict(), request.account, now, running)
    found = usage_page(request.account, question, now)
    ways = [(name, _address(found, name)) for name in (METER, *found.dimensions)]
    return show(
        request,
        "portal/usage.html",
        found,
        ways=ways,
        csv_url=f"{reverse('portal:usage_csv')}?{urlencode(question.query)}",
        periods=choices(request.account, running) if running else (),
    )


@require_safe
@page(place="usage")
def download(request: PortalRequest) -> HttpResponseBase:
    """The table as CSV: decimal strings, days as ISO dates, one column for each group."""
    now = timezone.now()
    question = read_question(request.GET.dict(), request.account, now, period_at(request.account, now))
    found = usage_page(request.account, question, now)
    name = f"usage-{request.account.code}-{question.first}-{question.last}.csv"
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    for row in _rows(found):
        writer.writerow(row)
    return response


def _rows(found: UsagePage) -> Iterator[list[str]]:
    unit = found.currency if found.money else found.unit
    yield ["from", "to", *(safe_text(one.name) for one in found.series), "total", "unit"]
    for row in found.rows:
        values = [
            money_string(one, found.currency) if found.money else plain(one)
            for one in (*row.cells, row.total)
        ]
        yield [row.start.isoformat(), row.last.isoformat(), *values, safe_text(unit)]


def _address(found: UsagePage, by: str) -> str:
    return f"{reverse('portal:usage')}?{urlencode({**found.question.query, 'by': by})}"
