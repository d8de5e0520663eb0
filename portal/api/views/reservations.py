"""Usage set aside before it happens: reserve, commit with the event, give back (docs/limits.md)."""

import math
from collections.abc import Mapping
from typing import IO, Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.limits.actions import Ask, NotStored, Refused, commit, give_back, make_ask, reserve
from billing.limits.actions.reserving import Outcome
from billing.limits.desk import desk
from billing.limits.errors import LimitError
from billing.limits.models import Reservation
from billing.plans.models import Meter
from billing.pricing.dates import utc
from billing.usage.ingest import Incoming, Rejected, Result, read_events
from billing.usage.intake.body import JSON, SINGLE
from portal.api.auth import account_of, api_key
from portal.api.idempotency import HEADER, once
from portal.api.parsers import MAX_BYTES
from portal.api.problems import Problem, invalid, not_found
from portal.api.schema import IDEMPOTENCY_KEY
from portal.api.schema_events import EVENT, RESULT
from portal.api.serializers.base import read_body
from portal.api.serializers.limits import ReservationAnswer, ReservationBody
from portal.api.views.base import ApiView
from portal.api.views.events import storing
from portal.api.views.limits import note

INGEST: dict[str, tuple[str, ...]] = {"POST": ("ingest",), "DELETE": ("ingest",)}


class LimitReached(Problem):
    """429, with what the caller needs to tell its user (portal-design, 1.9)."""

    def __init__(self, refused: Refused) -> None:
        self.refused = refused
        limit, resets_at = refused.limit, refused.resets_at
        scope = "meter" if limit.meter else "account"
        wait = math.ceil((resets_at - timezone.now()).total_seconds()) if resets_at else 0
        super().__init__(
            "limit_reached",
            f"This usage would pass the {scope}'s spending limit. Do not retry before the limit is raised.",
            headers={"Retry-After": str(max(wait, 1))},
            extra={
                "limit_id": str(limit.id),
                "scope": scope,
                "resets_at": utc(resets_at) if resets_at else None,
                "raise_url": f"{settings.SITE_URL}/billing/limits/",
            },
        )


class ReservationsView(ApiView):
    """Opens its own scope: many callers share a transaction (billing/limits/desk.py)."""

    scopes: ClassVar = INGEST

    @extend_schema(
        operation_id="reserve",
        parameters=[IDEMPOTENCY_KEY],
        request=ReservationBody,
        responses={
            201: ReservationAnswer,
            429: OpenApiResponse(description="`limit_reached`: not to be retried."),
        },
    )
    def post(self, request: Request, account: str) -> Response:
        """Set usage aside: with all that is set aside no limit that stops is ever passed."""
        found = account_of(request, account)
        ask = _ask(read_body(ReservationBody, request.data))
        try:
            if HEADER not in request.headers:
                return _answer(desk.reserve(found, ask))
            own = api_key(request).account_id
            with installation_scope() if own is None else account_scope(own):
                return self._reserve_once(request, found, ask)
        except LimitReached as problem:
            refused = problem.refused
            note(found, refused.limit.id, refused.period, refused.at)
            raise

    @once
    def _reserve_once(self, request: Request, account: Account, ask: Ask) -> Response:
        return _answer(reserve(account, [ask])[0])


class ReservationView(ApiView):
    scopes: ClassVar = INGEST

    @extend_schema(operation_id="give_back_reservation", responses={204: None})
    def delete(self, request: Request, reservation: UUID) -> Response:
        """Give it back unused. Once more, or after it expired, changes nothing; a committed one is a conflict."""
        give_back(_account(reservation), reservation)
        return Response(status=204)


class EventParser(BaseParser):
    """The bytes of one event: intake reads them."""

    media_type = SINGLE

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise Problem("too_large", f"The body may have {MAX_BYTES:,} bytes.")
        return body


class JSONEventParser(EventParser):
    media_type = JSON


class CommitView(ApiView):
    scopes: ClassVar = INGEST
    parser_classes = [EventParser, JSONEventParser]

    @extend_schema(
        operation_id="commit_reservation",
        parameters=[IDEMPOTENCY_KEY],
        request={SINGLE: EVENT, JSON: EVENT},
        responses={200: RESULT, 422: RESULT},
    )
    @once
    def post(self, request: Request, reservation: UUID) -> Response:
        """Store the event of the reserved usage. The same commit again is a duplicate, a success."""
        account = _account(reservation)
        event, rejected = _event(request)
        result = Result(rejected=tuple(rejected))
        if event is not None:
            try:
                with storing():
                    key = api_key(request)
                    own = key.pk if key.account_id is not None else None
                    result = commit(account, reservation, event, own)
            except NotStored as error:
                result = error.result
        return Response(result.as_data(), status=result.status)


def _event(request: Request) -> tuple[Incoming | None, list[Rejected]]:
    """The one event of the body, or why it is none."""
    body = request.data if isinstance(request.data, bytes) else b""
    with storing():
        events, rejected = read_events(body, request.headers.get("Content-Type"))
    if len(events) + len(rejected) != 1:
        raise Problem("malformed", "Send one event: a reservation is committed with the event of its usage.")
    return (events[0] if events else None), rejected


def _account(reservation: UUID) -> Account:
    """Whose it is, or problem 404; row-level security hides those of other accounts than the key's."""
    found = Reservation.objects.filter(pk=reservation).select_related("account").first()
    if found is None:
        raise not_found()
    return found.account


def _ask(body: Mapping[str, Any]) -> Ask:
    meter = Meter.objects.filter(code=body["meter"]).first()
    if meter is None:
        raise invalid("/meter", "There is no meter of this code. GET /meters lists them.")
    return make_ask(meter, body["quantity"], body["dimensions"], body["ttl_seconds"])


def _answer(outcome: Outcome) -> Response:
    if isinstance(outcome, Refused):
        raise LimitReached(outcome)
    if isinstance(outcome, LimitError):
        raise outcome
    return Response({"id": str(outcome.pk), "expires_at": utc(outcome.expires_at)}, status=201)
