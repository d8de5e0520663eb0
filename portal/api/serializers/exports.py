"""What may be asked of an export."""

from typing import Any

from rest_framework import serializers

from portal.api.fields import Choice, Moment, Text
from portal.api.query import Query


class Year(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or len(data) != 4 or not data.isascii() or not data.isdigit():
            raise serializers.ValidationError("Write a year of four digits, such as 2026.")
        return super().to_internal_value(data)


class DocumentsQuery(Query):
    """Which documents: one, those of a year, or those that were issued in [from, to); all of them by default."""

    to = Moment(
        required=False, help_text="Not inside; default: now. A day means its midnight in the account's zone."
    )
    year = Year(
        required=False, min_value=1971, max_value=2198, help_text="Issued in this year of the account's zone."
    )
    invoice = Text(required=False, max_length=60, help_text="The number of one document.")

    def get_fields(self) -> dict[str, Any]:
        start = Moment(required=False, help_text="Issued then or later; default: the first document.")
        return {"from": start, **super().get_fields()}


class ArchiveQuery(Query):
    year = Year(min_value=1971, max_value=2198, help_text="Issued in this year of the account's zone.")


class SpanQuery(Query):
    """A span of usage."""

    to = Moment(
        required=False, help_text="Not inside; default: now. A day means its midnight in the account's zone."
    )

    def get_fields(self) -> dict[str, Any]:
        start = Moment(required=False, help_text="Default: the start of the running period.")
        return {"from": start, **super().get_fields()}


class UsageExportQuery(SpanQuery):
    meter = Text(required=False, max_length=100, help_text="Default: all meters.")
    granularity = Choice(choices=["hour", "day", "month", "none"], default="day")
    group_by = Text(required=False, max_length=2000, help_text="Dimensions of the meters, between commas.")


class GreenButtonQuery(SpanQuery):
    meter = Text(
        required=False,
        max_length=100,
        help_text="Default: all that sum energy, gas or water, by their unit code.",
    )
    granularity = Choice(choices=["hour", "day"], default="hour", help_text="Of the intervals.")
