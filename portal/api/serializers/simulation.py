"""Usage on another plan."""

from typing import Any

from rest_framework import serializers

from portal.api.fields import Moment, Text
from portal.api.query import Query
from portal.api.serializers.base import Answer
from portal.api.serializers.lines import LineAnswer, SpanAnswer


class SimulationQuery(Query):
    plan = Text(
        max_length=100, help_text="A public plan, or the account's own; any, with an installation key."
    )
    to = Moment(
        required=False, help_text="Not inside; default: now. A day means its midnight in the account's zone."
    )

    def get_fields(self) -> dict[str, Any]:
        start = Moment(
            required=False,
            help_text="Default: the start of the running period. At most 366 days before `to`.",
        )
        return {"from": start, **super().get_fields()}


class SimulatedPeriodAnswer(Answer):
    period = SpanAnswer()
    lines = LineAnswer(many=True)
    usage_total = serializers.CharField()
    subtotal = serializers.CharField(help_text="Before coupons and tax; limits are left out.")


class UnpricedAnswer(Answer):
    meter = serializers.CharField()
    name = serializers.CharField()
    partly = serializers.BooleanField(
        help_text="True: the plan prices some of it, by filters that the rest misses."
    )


class SimulationAnswer(Answer):
    plan = serializers.CharField()
    version = serializers.IntegerField()
    currency = serializers.CharField()
    start = serializers.CharField()
    end = serializers.CharField(help_text="Not inside")
    periods = SimulatedPeriodAnswer(many=True)
    total = serializers.CharField()
    unpriced = UnpricedAnswer(
        many=True, help_text="Meters that the account used and the plan does not price: missing in the total."
    )
