"""The webhook `subscription.changed`: what happened, and the subscription as it is then, in the words of the API.

It is here, and not among the actions, because reading the running period carries out what was scheduled for its start.
"""

from datetime import datetime
from enum import StrEnum

from django.utils import timezone

from billing.plans.models import Subscription
from billing.plans.queries.subscriptions import subscription_data
from billing.webhooks.actions import announce
from billing.webhooks.models import EventType


class Change(StrEnum):
    """What happened to a subscription."""

    STARTED = "started"
    PLAN_CHANGED = "plan_changed"
    CHANGE_SCHEDULED = "change_scheduled"
    CANCELLATION_SCHEDULED = "cancellation_scheduled"
    TAKEN_BACK = "taken_back"
    CANCELED = "canceled"


def tell_change(subscription: Subscription, change: Change, at: datetime | None = None) -> None:
    """Announce it in the transaction that made it, which holds the subscription's row. `at`: default now."""
    at = at or timezone.now()
    data = {"change": change.value, "subscription": subscription_data(subscription, at)}
    announce(subscription.account, EventType.SUBSCRIPTION_CHANGED, data, at=at)
