"""Idempotency-Key: the same request sent twice acts once and is answered twice (draft-ietf-httpapi-idempotency-key).

The answer is stored in the transaction of the act, so there is never one without the other. A second request that
comes while the first runs waits on the unique row. An error undoes its transaction and leaves the key unused.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate

from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiKey, IdempotentRequest
from portal.api.auth import api_key
from portal.api.problems import Problem, invalid_parameter

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=48)
WAIT_MS = 10_000


def once[V, **P](
    method: Callable[Concatenate[V, Request, P], Response],
) -> Callable[Concatenate[V, Request, P], Response]:
    """Let a view's method honour the optional header."""

    def inner(view: V, request: Request, *args: P.args, **kwargs: P.kwargs) -> Response:
        given = request.headers.get(HEADER)
        if given is None:
            return method(view, request, *args, **kwargs)
        if not (0 < len(given) <= 255 and given.isascii() and given.isprintable()):
            raise invalid_parameter(HEADER, "Write 1 to 255 printable ASCII characters, such as a UUID.")
        record, before = _claim(api_key(request), request, given)
        if before is not None:
            return before
        response = method(view, request, *args, **kwargs)
        if response.status_code < 400:
            record.status, record.answer = response.status_code, response.data
            record.save(update_fields=["status", "answer"])
        return response

    return wraps(method)(inner)  # type: ignore[return-value]


def _claim(key: ApiKey, request: Request, given: str) -> tuple[IdempotentRequest, Response | None]:
    """The row of this request, and the answer that it has got already, if so."""
    names = {"api_key": key, "endpoint": f"{request.method} {request.path}"[:300], "key": given}
    digest = _digest([request.data, request.query_params.dict()])
    IdempotentRequest.objects.filter(api_key=key, created_at__lt=timezone.now() - KEPT).delete()
    try:
        with transaction.atomic():
            _wait_at_most(WAIT_MS)
            record = IdempotentRequest.objects.create(**names, account_id=key.account_id, body_digest=digest)
            _wait_at_most(0)
            return record, None
    except IntegrityError:
        record = IdempotentRequest.objects.get(**names)
    except OperationalError as error:
        detail = "The first request with this Idempotency-Key is still running. Ask again in a moment."
        raise Problem("conflict", detail, headers={"Retry-After": "5"}) from error
    if bytes(record.body_digest) != digest:
        raise Problem(
            "idempotency_key_reused", "This Idempotency-Key was used with another body. Use a new one."
        )
    return record, Response(record.answer, status=record.status, headers={"Idempotent-Replayed": "true"})


def _wait_at_most(milliseconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{milliseconds}ms"])


def _digest(content: Any) -> bytes:
    """Of what the request says: the order of keys and the way a number is written do not matter."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).digest()
