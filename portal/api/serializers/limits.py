"""Spending limits and the allowance that they leave."""

from rest_framework import serializers

from portal.api.fields import Choice, DecimalString, Flag, Text, Whole
from portal.api.query import Query
from portal.api.serializers.base import Answer, Body


class LimitBody(Body):
    """What is left out takes its default: a PUT says the whole limit. Checked by billing/limits."""

    amount = DecimalString(allow_null=True, help_text="In the account's currency. Null: no limit.")
    action = Choice(
        choices=["notify", "stop"],
        default="notify",
        help_text="notify: tell. stop: usage beyond it is never payable.",
    )
    thresholds = serializers.ListField(
        child=Whole(), default=[50, 80, 100], help_text="Whole percents at which mails are sent."
    )
    pace = Flag(default=True, help_text="Also tell when the pace leads to the limit.")


class LimitAnswer(Answer):
    amount = serializers.CharField(allow_null=True)
    action = serializers.ChoiceField(choices=["notify", "stop"])
    thresholds = serializers.ListField(child=serializers.IntegerField())
    pace = serializers.BooleanField(required=False, help_text="False where it was refused; else left out.")


class LimitQuery(Query):
    meter = Text(required=False, max_length=100, help_text="The limit on one meter.")


class AllowanceQuery(Query):
    meter = Text(required=False, max_length=100)
    quantity = DecimalString(
        required=False, help_text="Would the spend after this much more stay within the limit?"
    )
    dimensions = Text(required=False, max_length=2000, help_text="Such as region:eu,model:gpt-4")


class AllowanceAnswer(Answer):
    allowed = serializers.BooleanField()
    reason = serializers.CharField(allow_null=True)
    limit = serializers.CharField(allow_null=True)
    spent = serializers.CharField(help_text="Before waivers.")
    remaining = serializers.CharField(allow_null=True)
    resets_at = serializers.CharField(allow_null=True)
    as_of = serializers.CharField()


class ReservationBody(Body):
    """Checked by billing/limits, which knows the meter."""

    meter = Text(max_length=100)
    quantity = DecimalString(help_text="More than 0, in the meter's unit.")
    dimensions = serializers.DictField(
        child=Text(max_length=1000, allow_blank=True, trim_whitespace=False),
        default=dict,
        help_text='Such as {"model": "gpt-4"}. Where they leave the charge open, the dearest is assumed.',
    )
    ttl_seconds = Whole(default=60, help_text="From 1 to 86400: after that it is given back by itself.")


class ReservationAnswer(Answer):
    id = serializers.UUIDField()
    expires_at = serializers.CharField()
