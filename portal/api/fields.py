"""Serializer fields that take exactly what they say: no number where text is asked, no 1 for true."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing.pricing.dates import local_midnight, utc
from billing.pricing.reading.numbers import number

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")


class Text(serializers.CharField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Write text, in quotes.")
        if _UNFIT.search(data):
            raise serializers.ValidationError("Remove NUL and half surrogates from the text.")
        return super().to_internal_value(data)


class Choice(serializers.ChoiceField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choices:
            raise serializers.ValidationError(f"Use one of {', '.join(map(str, self.choices))}.")
        return data


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("Write true or false, without quotes.")
        return data


class Whole(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("Write a whole number, without quotes.")
        return super().to_internal_value(data)


@extend_schema_field({"type": "string", "pattern": r"^-?[0-9]{1,26}(\.[0-9]{1,12})?$", "examples": ["12.34"]})
class DecimalString(serializers.Field[Decimal, Any, str, Any]):
    """A decimal string, or a JSON number read exactly; at most 26 digits before and 12 after the point."""

    def to_internal_value(self, data: Any) -> Decimal:
        try:
            return number(data)
        except ValueError as error:
            raise serializers.ValidationError(f'Write a decimal number, such as "12.34": {error}') from error

    def to_representation(self, value: Any) -> str:
        return str(value)


@extend_schema_field(OpenApiTypes.DATETIME)
class Instant(serializers.Field[datetime, Any, str, Any]):
    """RFC 3339 with an offset, to the microsecond; in UTC inside and in answers."""

    def to_internal_value(self, data: Any) -> datetime:
        if isinstance(data, str) and _INSTANT.fullmatch(data):
            try:
                return datetime.fromisoformat(data.upper()).astimezone(UTC)
            except (ValueError, OverflowError):
                pass
        raise serializers.ValidationError("Write an instant with an offset, such as 2026-02-01T00:00:00Z.")

    def to_representation(self, value: Any) -> str:
        return value if isinstance(value, str) else utc(value)


@extend_schema_field({"type": "string", "examples": ["2026-02-01T00:00:00Z", "2026-02-01"]})
class Moment(Instant):
    """An instant, or a day, which is its local midnight in the account's zone (`instant_of`)."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and _DAY.fullmatch(data):
            try:
                return date.fromisoformat(data)
            except ValueError as error:
                raise serializers.ValidationError("There is no such day in the calendar.") from error
        return super().to_internal_value(data)


def instant_of(value: date | datetime, timezone: str) -> datetime:
    """The instant that a `Moment` means in `timezone`, in UTC. ValueError for a day at the calendar's edge."""
    if isinstance(value, datetime):
        return value
    if not 1 < value.year < 9999:
        raise ValueError("This day is at the edge of the calendar.")
    return local_midnight(value, timezone)
