"""Usage in rows, and what the running period costs so far."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from billing.invoices.drafts import draft_invoice
from billing.limits.queries import current_limit
from billing.plans.queries import period_at, span_data
from billing.plans.stored import meter_def
from billing.pricing.charges import localized
from billing.pricing.dates import utc
from billing.pricing.money import ZERO, money_string, plain
from billing.usage.queries import UsageQueryError, usage_rows
from portal.api.auth import account_of
from portal.api.fields import instant_of
from portal.api.problems import invalid_parameter
from portal.api.query import read_query
from portal.api.serializers.usage import SpendAnswer, SpendQuery, UsageAnswer, UsageQuery
from portal.api.views.base import ApiView
from portal.api.views.limits import meter_of
from portal.pages.figures import period_figures
from portal.pages.forecasts import period_forecast


class UsageView(ApiView):
    @extend_schema(operation_id="get_usage", parameters=[UsageQuery], responses=UsageAnswer)
    def get(self, request: Request, account: str) -> Response:
        """Quantities by time and dimension values; empty buckets are left out."""
        found = account_of(request, account)
        asked = read_query(request, UsageQuery)
        meter = meter_of(asked["meter"])
        assert meter is not None  # noqa: S101  (UsageQuery requires it)
        group_by = asked["group_by"].split(",") if asked.get("group_by") else []
        start, end = asked_span(found, asked)
        try:
            rows = usage_rows(found, meter, start, end, asked["granularity"], group_by)
        except UsageQueryError as error:
            raise invalid_parameter(error.field, str(error)) from error
        return Response(
            {
                "meter": meter.code,
                "unit": localized(meter_def(meter).unit, found.locale),
                "rows": [
                    {
                        "start": utc(row.start),
                        "dimensions": row.dimensions,
                        "quantity": plain(row.quantity),
                        "events": row.events,
                    }
                    for row in rows
                ],
            }
        )


class SpendView(ApiView):
    @extend_schema(operation_id="get_spend", parameters=[SpendQuery], responses=SpendAnswer)
    def get(self, request: Request, account: str) -> Response:
        """The running period priced now, by the very function that invoices."""
        found = account_of(request, account)
        as_of = read_query(request, SpendQuery).get("as_of") or timezone.now()
        return Response(spend_data(found, as_of))


def asked_span(account: Account, asked: dict[str, Any]) -> tuple[datetime, datetime]:
    """[from, to) as asked for; else from the running period's start, else the month's, up to now."""
    now = timezone.now()
    end = asked_instant(asked, "to", account) or now
    start = asked_instant(asked, "from", account)
    if start is None:
        period = period_at(account, now)
        start = (
            period.start if period and period.start < end else end.replace(day=1, hour=0, minute=0, second=0)
        )
    return start, end


def asked_instant(asked: dict[str, Any], name: str, account: Account) -> datetime | None:
    """The instant of the parameter `name`, if it was given; problem 400 for a day at the calendar's edge."""
    try:
        return instant_of(asked[name], account.timezone) if name in asked else None
    except ValueError as error:
        raise invalid_parameter(name, str(error)) from error


def spend_data(account: Account, as_of: datetime) -> dict[str, Any]:
    """What `SpendAnswer` describes."""
    limit = current_limit(account)
    period = period_at(account, as_of)
    currency = account.currency
    common = {
        "as_of": utc(as_of),
        "currency": currency,
        "limit": money_string(limit.amount, currency) if limit and limit.amount is not None else None,
    }
    if period is None:
        nothing = money_string(ZERO, currency)
        none = dict.fromkeys(("usage_total", "subtotal", "tax_total", "total"), nothing)
        empty: dict[str, Any] = {"period": None, "lines": [], "discounts": [], **none}
        return {**common, **empty, "forecast": _forecast(None, currency)}
    draft = draft_invoice(account, period, as_of)
    figures = period_figures(account, period, as_of, compare=False)
    return {
        **common,
        "period": span_data(period),
        "lines": draft.lines_data(),
        "usage_total": money_string(draft.usage_total, currency),
        "subtotal": money_string(draft.subtotal, currency),
        "discounts": draft.discounts_data(),
        "tax_total": money_string(draft.totals.tax_total, currency),
        "total": money_string(draft.totals.total, currency),
        "forecast": _forecast(period_forecast(account, figures), currency),
    }


def _forecast(found: Any, currency: str) -> dict[str, str | None]:
    names = ("low", "expected", "high")
    return {name: money_string(getattr(found, name), currency) if found else None for name in names}
