"""Meters and plans, in the words of the catalogue file (contract, section 2)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.api.serializers.base import Answer

_TEXT = {"oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]}


@extend_schema_field(_TEXT)
class LocalText(serializers.Field[Any, Any, Any, Any]):
    """A text, or one for each language."""

    def to_representation(self, value: Any) -> Any:
        return value


class FootprintAnswer(Answer):
    grams_co2e_per_unit = serializers.CharField()
    source = serializers.CharField(required=False)  # type: ignore[assignment]


class MeterAnswer(Answer):
    code = serializers.CharField()
    name = LocalText()
    unit = LocalText()
    unit_code = serializers.CharField()
    event_type = serializers.CharField()
    aggregation = serializers.CharField()
    value = serializers.CharField(allow_null=True)
    dimensions = serializers.ListField(child=serializers.CharField())
    archived = serializers.BooleanField()
    footprint = FootprintAnswer(required=False)


class TierTermsAnswer(Answer):
    up_to = serializers.CharField(allow_null=True)
    unit_price = serializers.CharField(required=False)
    rate = serializers.CharField(required=False)
    flat_price = serializers.CharField()


class ChargeAnswer(Answer):
    """The keys that the model uses."""

    code = serializers.CharField()
    meter = serializers.CharField()
    name = LocalText(required=False)
    where = serializers.DictField(child=serializers.ListField(child=serializers.CharField()), required=False)
    model = serializers.CharField()
    unit_price = serializers.CharField(required=False)
    package_size = serializers.CharField(required=False)
    package_price = serializers.CharField(required=False)
    rate = serializers.CharField(required=False)
    fixed_fee = serializers.CharField(required=False)
    included_events = serializers.IntegerField(required=False)
    included_amount = serializers.CharField(required=False)
    minimum_per_event = serializers.CharField(required=False)
    maximum_per_event = serializers.CharField(required=False)
    included = serializers.CharField(required=False)
    minimum_amount = serializers.CharField(required=False)
    maximum_amount = serializers.CharField(required=False)
    tiers = TierTermsAnswer(many=True, required=False)
    tax = serializers.CharField(required=False)


class PlanAnswer(Answer):
    code = serializers.CharField()
    version = serializers.IntegerField()
    name = LocalText()
    currency = serializers.CharField()
    interval = serializers.ChoiceField(choices=["week", "month", "quarter", "year"])
    base_price = serializers.CharField()
    minimum_spend = serializers.CharField()
    trial_days = serializers.IntegerField()
    public = serializers.BooleanField()
    tax = serializers.CharField(allow_null=True)
    charges = ChargeAnswer(many=True)
    archived = serializers.BooleanField()


class CatalogChangeAnswer(Answer):
    kind = serializers.ChoiceField(choices=["meter", "tax", "coupon", "plan"])
    code = serializers.CharField()
    action = serializers.CharField(help_text="added, changed, archived; of a plan also published")
    version = serializers.IntegerField(required=False)


class CatalogAnswer(Answer):
    changes = CatalogChangeAnswer(many=True)
