"""What every call of the API shares: the key's scope, its rate, strict bodies, answers that nobody caches."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.conf import settings
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.auth import api_key, refuse_method_override
from portal.api.problems import Problem
from portal.api.ratelimit import Allowance, Buckets

_buckets = Buckets("default", settings.API_REQUESTS_PER_MINUTE)


class OnlyJSON(BaseContentNegotiation):
    """Answers are JSON, whatever Accept says: a client that asks for HTML is told in JSON too."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        media = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


def _need_length(request: Request) -> None:
    """Without a length the framework would take a body in chunks for no body at all."""
    if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
        raise Problem("length_required", "Send the body with its Content-Length, not in chunks.")


class ApiView(APIView):
    """`scopes`: which scopes allow a method, if not read for GET and manage for the rest."""

    scopes: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    content_negotiation_class = OnlyJSON
    metadata_class = None
    rate: Allowance | None = None

    def scopes_of(self, method: str) -> tuple[str, ...]:
        default = ("read",) if method in ("GET", "HEAD") else ("manage",)
        return self.scopes.get("GET" if method == "HEAD" else method, default)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        refuse_method_override(request.headers)
        _need_length(request)
        super().initial(request, *args, **kwargs)

    def check_throttles(self, request: Request) -> None:
        self.rate = _buckets.take(api_key(request).id)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in (self.rate.headers() if self.rate else {}).items():
            answer.headers.setdefault(name, value)
        answer.headers["Cache-Control"] = "no-store"
        return answer
