"""Subscriptions and their changes."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from billing.invoices.drafts import Draft
from billing.plans import queries
from billing.plans.actions import Preview
from billing.plans.models import Subscription
from billing.pricing.dates import utc
from billing.pricing.money import money_string
from portal.api.fields import Choice, Flag, Instant, Moment, Text
from portal.api.query import Query
from portal.api.serializers.base import Answer, Body
from portal.api.serializers.invoices import DiscountAnswer
from portal.api.serializers.lines import LineAnswer, SpanAnswer, line_data
from portal.offers import Offer


class QuoteText(Text):
    """The quote of a preview, optional."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            allow_null=True,
            max_length=2000,
            help_text="From a preview: refuse if it has changed.",
        )


class SubscriptionBody(Body):
    plan = Text(max_length=100, help_text="The code of a plan; its newest version is taken.")
    start = Moment(required=False, allow_null=True, help_text="Default: now.")
    anchor = Choice(choices=["start", "calendar"], default="start")
    preview = Flag(default=False, help_text="True: only say what it would come to.")
    quote = QuoteText()


class ScheduledAnswer(Answer):
    plan = serializers.CharField(allow_null=True, help_text="Null: the subscription will end.")
    version = serializers.IntegerField(allow_null=True)
    at = serializers.CharField()


class SubscriptionAnswer(Answer):
    id = serializers.CharField()
    plan = serializers.CharField()
    version = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Subscription.Status.values)
    period = SpanAnswer(
        allow_null=True, help_text="The running one; the last one after the end; null before the start."
    )
    started_at = serializers.CharField()
    canceled_at = serializers.CharField(allow_null=True)
    scheduled_change = ScheduledAnswer(allow_null=True)


class ChangeBody(Body):
    plan = Text(max_length=100)
    when = Choice(choices=["now", "period_end"], required=False)
    at = Instant(required=False, allow_null=True, help_text="In place of `when`. Needs an installation key.")
    preview = Flag(default=False, help_text="True: only say what it would come to.")
    quote = QuoteText()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("when" in attrs) == (attrs.get("at") is not None):
            raise serializers.ValidationError(
                {"when": ["Say when: now or period_end (or give `at` in its place)."]}
            )
        return attrs


class ChangeAnswer(Answer):
    quote = serializers.CharField(
        help_text="Send it when confirming, to get exactly these lines or a refusal."
    )
    lines = LineAnswer(many=True)
    next_invoice_at = serializers.CharField(allow_null=True)


class NextInvoiceAnswer(Answer):
    as_of = serializers.CharField()
    currency = serializers.CharField()
    lines = LineAnswer(many=True)
    subtotal = serializers.CharField()
    discounts = DiscountAnswer(many=True)
    tax_total = serializers.CharField()
    total = serializers.CharField(help_text="Negative: it will be a credit note.")
    amount_due = serializers.CharField(help_text="After credits.")


class PreviewAnswer(ChangeAnswer):
    """`lines` are what the quote promises; `invoice` is the document that follows, as it stands now."""

    plan = serializers.CharField(allow_null=True, help_text="What holds then; null: the subscription ends.")
    version = serializers.IntegerField(allow_null=True)
    effective_at = serializers.CharField()
    trial_end = serializers.CharField(allow_null=True, help_text="Of a new subscription with a trial.")
    invoice = NextInvoiceAnswer(
        allow_null=True,
        help_text="The first invoice of a new subscription, or the final one with the usage counted so far.",
    )


class ReactivateBody(Body):
    preview = Flag(default=False, help_text="True: only say what it would come to.")
    quote = QuoteText()


class TakeBackQuery(Query):
    preview = Choice(
        choices=["true", "false"], default="false", help_text="true: only say what it would come to."
    )
    quote = QuoteText()


class CancelQuery(TakeBackQuery):
    when = Choice(choices=["now", "period_end"], default="period_end")


def subscription_data(subscription: Subscription, at: datetime) -> dict[str, Any]:
    """The subscription as it is at `at`, with what is due by then carried out."""
    queries.current_period(subscription, at)
    return dict(SubscriptionAnswer(queries.subscription_data(subscription, at)).data)


def change_data(preview: Preview) -> dict[str, Any]:
    """What a change comes to, before or after it was made."""
    locale = preview.subscription.account.locale
    due = preview.next_invoice_at
    return {
        "quote": preview.quote,
        "lines": [line_data(line, locale) for line in preview.lines],
        "next_invoice_at": utc(due) if due else None,
    }


def offer_data(offer: Offer) -> dict[str, Any]:
    """A preview with the invoice that it leads to."""
    preview = offer.preview
    version, trial_end = preview.version, preview.subscription.trial_end
    return {
        **change_data(preview),
        "plan": version and version.plan.code,
        "version": version and version.number,
        "effective_at": utc(preview.effective_at),
        "trial_end": utc(trial_end) if trial_end and preview.first else None,
        "invoice": offer.invoice and draft_data(offer.invoice),
    }


def draft_data(draft: Draft) -> dict[str, Any]:
    """An invoice that is not issued, with its sums."""
    foot = draft.totals
    sums = {
        "subtotal": foot.subtotal,
        "tax_total": foot.tax_total,
        "total": foot.total,
        "amount_due": foot.amount_due,
    }
    return {
        "as_of": utc(draft.as_of),
        "currency": draft.currency,
        "lines": draft.lines_data(),
        "discounts": draft.discounts_data(),
        **{name: money_string(amount, draft.currency) for name, amount in sums.items()},
    }
