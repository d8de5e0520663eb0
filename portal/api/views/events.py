"""POST /events: a plain view, since a framework around each event would cost more than storing it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.middleware import own_scope
from billing.usage.ingest import MAX_BYTES, IntakeError, StoreUnavailable, ingest
from portal.api.auth import refuse_method_override, require_key, require_scope
from portal.api.problems import UNAVAILABLE_SECONDS, Problem, invalid_parameter
from portal.api.ratelimit import Buckets

_buckets = Buckets("events", settings.EVENT_REQUESTS_PER_MINUTE)


@csrf_exempt
@own_scope
def events(request: HttpRequest) -> HttpResponse:
    """Answers when the events are durable (contract, section 6)."""
    try:
        return _events(request)
    except Problem as problem:
        return problem.response()


def _events(request: HttpRequest) -> HttpResponse:
    key = require_key(request)
    refuse_method_override(request)
    if request.method != "POST":
        raise Problem("method_not_allowed", "Send events with POST.", headers={"Allow": "POST"})
    require_scope(key, "ingest")
    _buckets.take(key.id)
    if request.GET:
        raise invalid_parameter(next(iter(request.GET))[:100], "There are no parameters here.")
    try:
        result = ingest(_body(request), request.headers.get("Content-Type"), key.account)
    except StoreUnavailable as error:
        wait = {"Retry-After": str(UNAVAILABLE_SECONDS)}
        raise Problem(error.code, str(error), status=error.status, headers=wait) from error
    except IntakeError as error:
        raise Problem(error.code, str(error), status=error.status) from error
    return JsonResponse(result.as_data(), status=result.status)


def _body(request: HttpRequest) -> bytes:
    """At most one byte more than is allowed, whatever Content-Length says."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem("unsupported_media_type", "Send the body as it is, without Content-Encoding.")
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > MAX_BYTES:
        raise Problem("too_large", "A body may have 8 MiB. Send the events in several requests.")
    return request.read(MAX_BYTES + 1)
