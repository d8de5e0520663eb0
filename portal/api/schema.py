"""The OpenAPI 3.1 description: made from the serializers, once for each process, and completed by hand where needed."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from portal.api import codes
from portal.api.problems import MEDIA_TYPE
from portal.api.query import PageQuery

IDEMPOTENCY_KEY = OpenApiParameter(
    name="Idempotency-Key",
    location=OpenApiParameter.HEADER,
    required=False,
    description="1 to 255 characters of your own, such as a UUID. The same request with the same key acts once.",
)

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. " + " ".join(f"`{code}`: {text}" for code, (_, text) in codes.MEANINGS.items()),
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901, inside the body"},
                    "parameter": {"type": "string", "description": "Of the address, or a header"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "portal.api.auth.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A key, such as pb_…; of the installation or of one account.",
        }


def paged(*more: Any) -> list[Any]:
    """The parameters of a list."""
    return [PageQuery, *more]


def listed(item: type[serializers.Serializer[Any]]) -> Any:
    """A page of whole objects."""
    name = item.__name__.removesuffix("Answer") + "Page"
    return inline_serializer(
        name,
        {
            "results": item(many=True),
            "next": serializers.CharField(
                allow_null=True, help_text="Address of the next page, null on the last."
            ),
        },
    )


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular hook: problems for every call, and the calls that are plain Django views."""
    from portal.api.schema_events import EVENTS

    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    result["paths"]["/api/v1/events"] = EVENTS
    problem = {
        "description": "Whatever went wrong, and how to mend it.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"].setdefault("default", problem)
    result["paths"] = dict(sorted(result["paths"].items()))
    return result
