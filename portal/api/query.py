"""Query parameters, read as strictly as bodies: an unknown or repeated one is refused by name."""

from typing import Any, Final

from rest_framework import serializers
from rest_framework.request import Request

from portal.api.fields import Text
from portal.api.problems import Problem

PAGE: Final = 50
LARGEST_PAGE: Final = 200


class Query(serializers.Serializer[Any]):
    """The parameters of a call without any of its own."""


class Size(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not data.isascii() or not data.isdigit() or len(data) > 4:
            raise serializers.ValidationError(f"Write a whole number from 1 to {LARGEST_PAGE}.")
        return super().to_internal_value(data)


class PageQuery(Query):
    limit = Size(default=PAGE, min_value=1, max_value=LARGEST_PAGE, help_text="Results on a page.")
    cursor = Text(required=False, max_length=500, help_text="From `next` of the page before.")


def read_query(request: Request, parameters: type[Query] = Query) -> dict[str, Any]:
    """The values of the query string, or problem 400 with each parameter at fault."""
    given = request.query_params
    allowed = parameters().fields
    faults = [_fault(name, _unknown(list(allowed))) for name in given if name not in allowed]
    faults += [
        _fault(name, "Give it once.") for name in given if name in allowed and len(given.getlist(name)) > 1
    ]
    found = parameters(data={name: given[name] for name in given})
    if not faults and not found.is_valid():
        faults = [_fault(name, " ".join(map(str, errors))) for name, errors in found.errors.items()]
    if faults:
        detail = f"{faults[0]['parameter']}: {faults[0]['detail']}"
        raise Problem("invalid", detail, faults)
    return dict(found.validated_data)


def _fault(name: str, detail: str) -> dict[str, str]:
    return {"parameter": name[:100].encode(errors="replace").decode(), "detail": detail}


def _unknown(allowed: list[str]) -> str:
    return f"There is no such parameter. Those of this call: {', '.join(allowed) or 'none'}."
