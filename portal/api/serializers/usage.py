"""Usage in rows, what it costs now, and the events behind a line."""

from typing import Any

from rest_framework import serializers

from portal.api.fields import Choice, Instant, Moment, Text
from portal.api.query import PageQuery, Query
from portal.api.serializers.base import Answer
from portal.api.serializers.invoices import DiscountAnswer
from portal.api.serializers.lines import LineAnswer, SpanAnswer


class UsageQuery(Query):
    meter = Text(max_length=100)
    to = Moment(
        required=False, help_text="Not inside; default: now. A day means its midnight in the account's zone."
    )
    granularity = Choice(choices=["hour", "day", "month", "none"], default="day")
    group_by = Text(required=False, max_length=2000, help_text="Dimensions of the meter, between commas.")

    def get_fields(self) -> dict[str, Any]:
        start = Moment(required=False, help_text="Default: the start of the running period.")
        return {"from": start, **super().get_fields()}


class UsageRowAnswer(Answer):
    start = serializers.CharField()
    dimensions = serializers.DictField(child=serializers.CharField(allow_null=True))
    quantity = serializers.CharField()
    events = serializers.IntegerField()


class UsageAnswer(Answer):
    meter = serializers.CharField()
    unit = serializers.CharField()
    rows = UsageRowAnswer(many=True)


class SpendQuery(Query):
    as_of = Instant(required=False, help_text="Default: now.")


class ForecastAnswer(Answer):
    low = serializers.CharField(allow_null=True)
    expected = serializers.CharField(allow_null=True)
    high = serializers.CharField(allow_null=True)


class SpendAnswer(Answer):
    as_of = serializers.CharField()
    period = SpanAnswer(allow_null=True, help_text="Null: no service period holds `as_of`.")
    currency = serializers.CharField()
    lines = LineAnswer(many=True)
    usage_total = serializers.CharField(help_text="Before waivers.")
    subtotal = serializers.CharField()
    discounts = DiscountAnswer(many=True)
    tax_total = serializers.CharField()
    total = serializers.CharField(help_text="Of the next invoice as it stands, credit not used yet.")
    limit = serializers.CharField(allow_null=True)
    forecast = ForecastAnswer(
        help_text="Of the usage at the period's end; nulls while there are too few days."
    )


class EventAnswer(Answer):
    id = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    type = serializers.CharField()
    time = serializers.CharField()
    received_at = serializers.CharField()
    revision = serializers.IntegerField()
    data = serializers.DictField()  # type: ignore[assignment]
    quantity = serializers.CharField(help_text="What it added to the line's quantity.")
    cost = serializers.CharField(help_text="By how much the price rose when it came, not rounded.")


class LineEventsQuery(PageQuery):
    """A page of events."""
