"""The API for people: its description as OpenAPI, a page to try it on, and what each problem means."""

import json
from functools import cache
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator

from accounts.middleware import own_scope
from portal.api import codes


@own_scope
@require_GET
def openapi(request: HttpRequest) -> HttpResponse:
    """The description; the same for everyone, so it is made once for each process."""
    answer = HttpResponse(_description(), content_type="application/json")
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


@own_scope
@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    return render(request, "api/docs.html")


@own_scope
@require_GET
def problems(request: HttpRequest) -> HttpResponse:
    rows = [
        (code, status, HTTPStatus(status).phrase, text) for code, (status, text) in codes.MEANINGS.items()
    ]
    return render(request, "api/problems.html", {"problems": rows})


@cache
def _description() -> bytes:
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return json.dumps(schema, ensure_ascii=False, default=str).encode()


urlpatterns = [path("", docs, name="api-docs"), path("problems/", problems, name="api-problems")]
