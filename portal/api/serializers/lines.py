"""Lines, as previews, /spend and invoices show them (contract, section 8)."""

from typing import Any

from rest_framework import serializers

from billing.pricing.lines import Line
from portal.api.serializers.base import Answer

KINDS = ["base", "usage", "minimum", "proration", "late_usage", "adjustment", "limit_waiver"]


class SpanAnswer(Answer):
    start = serializers.CharField(help_text="UTC, RFC 3339")
    end = serializers.CharField(help_text="Not inside")


class TierAnswer(Answer):
    """One row of the working: amount = quantity × unit_price + flat_price, and the rows add up to the exact amount."""

    up_to = serializers.CharField(allow_null=True)
    quantity = serializers.CharField()
    unit_price = serializers.CharField()
    flat_price = serializers.CharField()
    amount = serializers.CharField()
    kind = serializers.CharField(required=False)
    rate = serializers.CharField(required=False)


class BeforeAnswer(Answer):
    """Where a line after a change of plan goes on from: the period's usage and price by the line's start."""

    quantity = serializers.CharField()
    amount = serializers.CharField()
    exact_amount = serializers.CharField()


class LineAnswer(Answer):
    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=KINDS)
    charge = serializers.CharField(allow_null=True)
    meter = serializers.CharField(allow_null=True)
    description = serializers.CharField()
    period = SpanAnswer()
    quantity = serializers.CharField(allow_null=True)
    unit = serializers.CharField(allow_null=True)
    amount = serializers.CharField()
    exact_amount = serializers.CharField()
    tiers = TierAnswer(many=True)
    before = BeforeAnswer(
        required=False,
        help_text="By this line's prices: its rows add up to the price up to its end less this one.",
    )


def line_data(line: Line, locale: str) -> dict[str, Any]:
    """A line that is not issued yet: its id says what it is for, and is the same in each answer."""
    name = line.charge or f"{line.plan}.{line.version}"
    return {"id": f"{line.kind}:{name}:{line.start:%Y%m%dT%H%M%SZ}", **line.as_data(locale)}
