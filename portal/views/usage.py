"""`/billing/usage/` and its CSV: every view is a URL."""

import csv
from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import urlencode

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import Account
from billing.invoices.exports.cells import safe_text
from billing.plans.models import Period
from billing.pricing.dates import local_date
from billing.pricing.money import money_string, plain
from portal import dates
from portal.pages.periods import choices, period_holding, recent_periods
from portal.pages.usage import UsagePage, usage_page
from portal.pages.usage_question import (
    METER,
    Question,
    presets,
    question_after,
    question_before,
    read_question,
)
from portal.views.base import PortalRequest, page, show


@require_safe
@page(place="usage")
def show_usage(request: PortalRequest) -> HttpResponseBase:
    now = timezone.now()
    running = period_holding(request.account, now)
    question = read_question(request.GET.dict(), request.account, now, running)
    periods, today = _periods(request.account), local_date(now, request.account.timezone)
    found = usage_page(request.account, question, now, periods)
    before, after = question_before(question, periods, today), question_after(question, periods)
    return show(
        request,
        "portal/usage.html",
        found,
        ways=[(name, _address(question, by=name)) for name in (METER, *found.dimensions)],
        presets=[
            (one.name, _address(question.of(one.first, one.last)), one.current)
            for one in presets(question, periods, today)
        ],
        before=(dates.span(before.first, before.last), _address(before)),
        after=(dates.span(after.first, after.last), _address(after)) if after.first <= today else None,
        sharing=[
            (name, _address(question, meter=code), code == found.counted) for code, name in found.sharing
        ],
        csv_url=f"{reverse('portal:usage_csv')}?{urlencode(question.query)}",
        periods=choices(request.account, running) if running else (),
    )


@require_safe
@page(place="usage")
def download(request: PortalRequest) -> HttpResponseBase:
    """The table as CSV: decimal strings, days as ISO dates, one column for each group; what was before beside it."""
    now = timezone.now()
    question = read_question(request.GET.dict(), request.account, now, period_holding(request.account, now))
    found = usage_page(request.account, question, now, _periods(request.account))
    name = f"usage-{request.account.code}-{question.first}-{question.last}.csv"
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    for row in _rows(found):
        writer.writerow(row)
    return response


def _periods(account: Account) -> list[Period]:
    """Its recent periods in order; an empty one ended as it began. Older ranges are beside as many days before."""
    return [one for one in reversed(recent_periods(account)) if one.end > one.start]


def _rows(found: UsagePage) -> Iterator[list[str]]:
    def amount(value: Decimal) -> str:
        return money_string(value, found.currency) if found.money else plain(value)

    unit, compared = found.currency if found.money else found.unit, found.comparison
    more = ["before", "difference"] if compared else []
    yield ["from", "to", *(safe_text(one.name) for one in found.series), "total", *more, "unit"]
    for place, row in enumerate(found.rows):
        beside = compared.rows[place] if compared else None
        values = [*row.cells, row.total, *((beside.before, beside.difference) if beside else ())]
        yield [row.start.isoformat(), row.last.isoformat(), *map(amount, values), safe_text(unit)]


def _address(question: Question, **changes: str) -> str:
    return f"{reverse('portal:usage')}?{urlencode({**question.query, **changes})}"
