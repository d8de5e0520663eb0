"""Serializers that refuse what they do not know, by name, and give whole objects."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from rest_framework import serializers


class Body(serializers.Serializer[Any]):
    """The body of a request: a JSON object with these fields and no others."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError({"non_field_errors": ["Send a JSON object."]})
        unknown = [str(key) for key in data if key not in self.fields]
        if unknown:
            raise serializers.ValidationError({key[:100]: [self._unknown(key)] for key in unknown[:20]})
        return super().to_internal_value(data)

    def _unknown(self, key: str) -> str:
        near = get_close_matches(key[:100], list(self.fields), n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"There is no such field.{hint} The fields are {', '.join(self.fields)}."


class Answer(serializers.Serializer[Any]):
    """The body of an answer: its fields are exactly the keys of the JSON."""


def read_body[S: serializers.Serializer[Any]](
    serializer: type[S], data: Any, **options: Any
) -> dict[str, Any]:
    """The values of a body; DRF's ValidationError names each field at fault."""
    found = serializer(data=data, **options)
    found.is_valid(raise_exception=True)
    return dict(found.validated_data)
