"""Issued documents."""

from rest_framework import serializers

from portal.api.serializers.base import Answer
from portal.api.serializers.lines import LineAnswer, SpanAnswer


class DiscountAnswer(Answer):
    coupon = serializers.CharField()
    amount = serializers.CharField(
        help_text="Taken off `subtotal`. Negative where an earlier discount is taken back; "
        "a credit note has the signs turned, as all its amounts are what is given back."
    )


class TaxAnswer(Answer):
    code = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    category = serializers.CharField(help_text="EN 16931, BT-151")
    rate = serializers.CharField()
    taxable = serializers.CharField()
    amount = serializers.CharField()


class CreditsAnswer(Answer):
    number = serializers.CharField()
    reason = serializers.CharField()


class InvoiceAnswer(Answer):
    number = serializers.CharField()
    kind = serializers.ChoiceField(choices=["invoice", "credit_note"])
    status = serializers.ChoiceField(choices=["issued", "paid", "void"])
    account = serializers.CharField()
    currency = serializers.CharField()
    issued_at = serializers.CharField()
    due_at = serializers.CharField()
    period = SpanAnswer()
    lines = LineAnswer(many=True)
    subtotal = serializers.CharField()
    discounts = DiscountAnswer(many=True)
    taxes = TaxAnswer(many=True)
    tax_total = serializers.CharField()
    total = serializers.CharField()
    credits_applied = serializers.CharField()
    amount_due = serializers.CharField()
    credits = CreditsAnswer(
        allow_null=True, help_text="Of a credit note by hand: the invoice that it takes back, and why."
    )
