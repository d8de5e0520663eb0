"""POST /events as a plain view: for WSGI servers and tests. Under ASGI portal/intake answers, by the same rules."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.middleware import own_scope
from accounts.models import ApiKey
from billing.usage.ingest import MAX_BYTES, IntakeError, StoreUnavailable, ingest
from portal.api.auth import live_key, refuse_method_override, require_scope
from portal.api.problems import UNAVAILABLE_SECONDS, Problem, invalid_parameter
from portal.api.ratelimit import Buckets

_buckets = Buckets("events", settings.EVENT_REQUESTS_PER_MINUTE)


@csrf_exempt
@own_scope
def events(request: HttpRequest) -> HttpResponse:
    """Answers when the events are durable (contract, section 6)."""
    try:
        key = check_call(
            getattr(request, "api_key", None), request.method or "", request.headers, list(request.GET)
        )
        check_length(request.headers)
        with storing():
            body = request.read(MAX_BYTES + 1)
            result = ingest(body, request.headers.get("Content-Type"), key.account, key.pk)
    except Problem as problem:
        return problem.response()
    return JsonResponse(result.as_data(), status=result.status)


def check_call(
    key: ApiKey | None, method: str, headers: Mapping[str, str], parameters: Sequence[str]
) -> ApiKey:
    """The key, if it may send events so often; problem 400, 401, 403, 405 or 429. Names of headers in any case."""
    key = live_key(key)
    refuse_method_override(headers)
    if method != "POST":
        raise Problem("method_not_allowed", "Send events with POST.", headers={"Allow": "POST"})
    require_scope(key, "ingest")
    _buckets.take(key.id)
    if parameters:
        raise invalid_parameter(parameters[0][:100], "There are no parameters here.")
    return key


def check_length(headers: Mapping[str, str]) -> None:
    """Problem 413 or 415 for a body that need not be read."""
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem("unsupported_media_type", "Send the body as it is, without Content-Encoding.")
    length = headers.get("Content-Length", "")
    if length.isdigit() and int(length) > MAX_BYTES:
        raise Problem("too_large", "A body may have 8 MiB. Send the events in several requests.")


@contextmanager
def storing() -> Iterator[None]:
    """What intake raises, as problems."""
    try:
        yield
    except StoreUnavailable as error:
        wait = {"Retry-After": str(UNAVAILABLE_SECONDS)}
        raise Problem(error.code, str(error), status=error.status, headers=wait) from error
    except IntakeError as error:
        raise Problem(error.code, str(error), status=error.status) from error
