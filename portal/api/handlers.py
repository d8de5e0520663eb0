"""What Django itself answers: as a problem under /api/, as the site's page elsewhere."""

import sys

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views import defaults

from portal.api.problems import Problem, not_found, problem_of


def _for_machines(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if _for_machines(request):
        return Problem(
            "malformed", "The request cannot be read: check its address, Host and size."
        ).response()
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if _for_machines(request):
        return Problem("forbidden", "This key may not do that.").response()
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return not_found().response() if _for_machines(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    if not _for_machines(request):
        return defaults.server_error(request)
    error = sys.exc_info()[1]
    known = problem_of(error) if error else None
    return _answer(known or Problem("internal_error", "Something failed on our side. Nothing was changed."))


def _answer(problem: Problem) -> HttpResponse:
    return problem.response()
