"""The spending limit, and the question that a product asks before it serves a request."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from accounts.scope import account_scope
from billing.limits.actions import note_refusal, set_limit
from billing.limits.errors import LimitError
from billing.limits.models import LimitVersion
from billing.limits.queries import allowance, limit_data
from billing.plans.models import Meter, Period
from billing.pricing.dates import utc
from billing.pricing.money import money_string
from portal.api.auth import account_of
from portal.api.idempotency import once
from portal.api.problems import invalid_parameter
from portal.api.query import read_query
from portal.api.schema import IDEMPOTENCY_KEY
from portal.api.serializers.base import read_body
from portal.api.serializers.limits import AllowanceAnswer, AllowanceQuery, LimitAnswer, LimitBody, LimitQuery
from portal.api.views.base import ApiView


class LimitView(ApiView):
    @extend_schema(operation_id="get_limit", parameters=[LimitQuery], responses=LimitAnswer)
    def get(self, request: Request, account: str) -> Response:
        """The limit that holds; an amount of null is none."""
        found = account_of(request, account)
        meter = meter_of(read_query(request, LimitQuery).get("meter"))
        return Response(limit_data(found, meter))

    @extend_schema(
        operation_id="set_limit",
        parameters=[LimitQuery, IDEMPOTENCY_KEY],
        request=LimitBody,
        responses=LimitAnswer,
    )
    @once
    def put(self, request: Request, account: str) -> Response:
        """Set, change or (amount null) lift the limit, from now on."""
        found = account_of(request, account)
        meter = meter_of(read_query(request, LimitQuery).get("meter"))
        body = read_body(LimitBody, request.data)
        set_limit(found, body["amount"], body["action"], body["thresholds"], meter, pace=body["pace"])
        return Response(limit_data(found, meter))


class AllowanceView(ApiView):
    """Asked before each request that a product serves, so it opens its scope with the one statement that it needs."""

    scopes: ClassVar = {"GET": ("ingest", "read")}

    @extend_schema(operation_id="get_allowance", parameters=[AllowanceQuery], responses=AllowanceAnswer)
    def get(self, request: Request, account: str) -> Response:
        """May usage go on? Without `quantity`: is the spend below the limit; with it: would it stay within."""
        found = account_of(request, account)
        asked = read_query(request, AllowanceQuery)
        meter = meter_of(asked.get("meter"))
        dimensions = read_dimensions(asked.get("dimensions", ""), meter)
        try:
            answer = allowance(found, meter, asked.get("quantity"), dimensions, at=timezone.now())
        except LimitError as error:
            raise invalid_parameter(error.field, error.sentence) from error
        if answer.refused_by is not None and answer.period is not None:
            note(found, answer.refused_by.id, answer.period, answer.as_of)
        return Response(
            {
                "allowed": answer.allowed,
                "reason": answer.reason,
                "limit": _money(answer.limit, found),
                "spent": _money(answer.spent, found),
                "remaining": _money(answer.remaining, found),
                "resets_at": utc(answer.resets_at) if answer.resets_at else None,
                "as_of": utc(answer.as_of),
            }
        )


def note(account: Account, limit: UUID, period: int, at: datetime) -> None:
    """Count a refusal for the limit's receipt, after the answer was found: in a transaction of its own."""
    with account_scope(account.pk):
        note_refusal(LimitVersion(pk=limit, account=account), Period(pk=period), at)


def _money(amount: Any, account: Account) -> str | None:
    return None if amount is None else money_string(amount, account.currency)


def meter_of(code: str | None) -> Meter | None:
    if code is None:
        return None
    found = Meter.objects.filter(code=code).first()
    if found is None:
        raise invalid_parameter("meter", "There is no meter of this code. GET /meters lists them.")
    return found


def read_dimensions(text: str, meter: Meter | None) -> Mapping[str, str]:
    """`region:eu,model:gpt-4` as a mapping; a value may hold colons, no commas."""
    found = dict[str, str]()
    for part in filter(None, text.split(",")):
        name, colon, value = part.partition(":")
        if meter is None:
            raise invalid_parameter("dimensions", "Say which meter they are of.")
        if not colon or name not in meter.dimensions:
            known = ", ".join(meter.dimensions) or "none"
            raise invalid_parameter(
                "dimensions", f"Write name:value; the dimensions of this meter are: {known}."
            )
        if name in found:
            raise invalid_parameter("dimensions", f"Give {name} once.")
        found[name] = value
    return found
