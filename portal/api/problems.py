"""Every error of the API as RFC 9457 `application/problem+json`: what is wrong, where, and how to mend it.

`errors` names each fault: `pointer` (RFC 6901) inside the body, or `parameter` of the address. Nothing of the
inside is told: no traces, no SQL, nothing of other accounts.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from billing.pricing.parse import WHOLE, CatalogError
from portal.api import codes

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 10_000
"""As many as reading a catalogue tells: who sends a file is told every fault."""
_STEP: Final = re.compile(r"\w+|'[^']*'")
UNAVAILABLE_SECONDS = 5
logger = logging.getLogger("plainbill.api")

type Fault = dict[str, str]


@dataclass
class Problem(Exception):  # noqa: N818  (the word of RFC 9457)
    """An error answer. `code` is for programs and never changes its meaning; `detail` is for people."""

    code: str
    detail: str
    errors: Sequence[Fault] = ()
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self.detail)
        self.status = self.status or codes.status_of(self.code)

    def data(self) -> dict[str, Any]:
        members: dict[str, Any] = {
            "type": f"{settings.SITE_URL}/api/docs/problems/#{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.errors:
            members["errors"] = list(self.errors[:MAX_ERRORS])
        return {**members, **self.extra}

    def response(self) -> HttpResponse:
        """For plain Django views and handlers."""
        body = json.dumps(self.data(), cls=JSONEncoder, ensure_ascii=False)
        return HttpResponse(body, status=self.status, content_type=MEDIA_TYPE, headers=dict(self.headers))


def invalid(pointer: str, detail: str, code: str = "invalid") -> Problem:
    """A body with one fault, at the field `pointer` ("/plan")."""
    return Problem(code, detail, [{"pointer": pointer, "detail": detail}])


def invalid_parameter(name: str, detail: str) -> Problem:
    return Problem("invalid", f"{name}: {detail}", [{"parameter": name, "detail": detail}])


def not_found(what: str = "") -> Problem:
    """The same words for what does not exist and for what is another account's."""
    return Problem("not_found", what or "There is nothing here. Check the address and the ids in it.")


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler. None: a fault of ours, for Django to log and `handlers.server_error` to answer."""
    problem = problem_of(error)
    if problem is None:
        return None
    response = Response(problem.data(), status=problem.status, headers=dict(problem.headers))
    response.content_type = MEDIA_TYPE
    return response


def problem_of(error: BaseException) -> Problem | None:
    """The answer that `error` deserves; None if it is nobody's mistake but ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, exceptions.ValidationError):
        return _invalid_fields(list(_flat(error.get_full_details(), "")))
    if isinstance(error, exceptions.APIException):
        return _drf(error)
    if isinstance(error, ValidationError):
        return _model_fields(error)
    if isinstance(error, CatalogError):
        return _catalog(error)
    if isinstance(error, Http404):
        return not_found()
    if isinstance(error, PermissionDenied):
        return Problem("forbidden", "This key may not do that.")
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("The database did not answer", exc_info=error)
        wait = {"Retry-After": str(UNAVAILABLE_SECONDS)}
        return Problem(
            "unavailable", "The store does not answer now. Try again in a few seconds.", headers=wait
        )
    if isinstance(error, DataError):
        logger.error("A value reached the database that it cannot hold", exc_info=error)
        return Problem("invalid", "A value is outside of what can be stored: check numbers, dates and texts.")
    return _refused(error)


def _refused(error: BaseException) -> Problem | None:
    """The errors that the actions of billing raise: a `code`, a `sentence` for people, perhaps a `field`."""
    code, sentence = getattr(error, "code", None), getattr(error, "sentence", None)
    if not isinstance(code, str) or sentence is None:
        return None
    name = getattr(error, "field", None)
    faults = [{"pointer": _pointer(str(name)), "detail": str(sentence)}] if name else []
    return Problem(
        code, str(sentence), faults, status=codes.STATUS_OF_KIND.get(getattr(error, "kind", ""), 0)
    )


def _catalog(error: CatalogError) -> Problem:
    """Every fault of a catalogue, with the path that the command line shows too."""
    faults = [
        {"pointer": _pointer_of_path(fault.path), "path": fault.path, "detail": fault.message}
        for fault in error.problems
    ]
    return _invalid_fields(faults)


def _pointer_of_path(path: str) -> str:
    """`plans[2].charges[0].model` as RFC 6901 says it."""
    steps = [] if path == WHOLE else _STEP.findall(path)
    return "".join(f"/{step.strip("'").replace('~', '~0').replace('/', '~1')}" for step in steps)


def _drf(error: exceptions.APIException) -> Problem:
    code = codes.OF_DRF.get(type(error), "invalid")
    if isinstance(error, exceptions.NotFound):
        return not_found()
    headers = {"WWW-Authenticate": header} if (header := getattr(error, "auth_header", "")) else {}
    return Problem(code, str(error.detail), status=error.status_code, headers=headers)


def _model_fields(error: ValidationError) -> Problem:
    """What Django's models refuse; a value that must be unique and is not is a conflict."""
    if not hasattr(error, "error_dict"):
        return Problem("invalid", " ".join(error.messages))
    found = [(_pointer(name), one) for name, errors in error.error_dict.items() for one in errors]
    faults = [{"pointer": pointer, "detail": " ".join(one.messages)} for pointer, one in found]
    conflict = any(one.code in ("unique", "fixed") for _, one in found)
    return _invalid_fields(faults, "conflict" if conflict else "invalid")


def _pointer(field: str) -> str:
    """The place of a model's field in the API's body."""
    return f"/address/{field}" if field in ("line1", "line2", "postcode", "city") else f"/{field}"


def _invalid_fields(faults: list[Fault], code: str = "invalid") -> Problem:
    first = faults[0]
    where = first.get("pointer") or first.get("parameter") or ""
    more = f" (and {len(faults) - 1} more: see errors)" if len(faults) > 1 else ""
    return Problem(code, f"{where}: {first['detail']}{more}" if where else first["detail"], faults)


def _flat(detail: Any, pointer: str) -> Iterator[Fault]:
    """DRF's nested details, one by one: {"message", "code"} at the leaves."""
    if isinstance(detail, list):
        for index, item in enumerate(detail):
            leaf = isinstance(item, Mapping) and "message" in item and "code" in item
            yield from _flat(item, pointer if leaf else f"{pointer}/{index}")
    elif "message" in detail and "code" in detail and not isinstance(detail["message"], Mapping | list):
        yield {"pointer": pointer, "detail": str(detail["message"])}
    else:
        for key, item in detail.items():
            step = str(key).replace("~", "~0").replace("/", "~1")
            yield from _flat(item, pointer if key == "non_field_errors" else f"{pointer}/{step}")
