"""Webhooks of limits: a threshold is reached, usage is stopped. Each in the transaction of its row."""

from typing import Any

from billing.limits.models import Alert, Drill, LimitVersion, Stop
from billing.plans.models import Period
from billing.pricing.dates import utc
from billing.pricing.money import money_string
from billing.webhooks.actions import announce
from billing.webhooks.models import EventType


def tell_threshold(alert: Alert) -> None:
    """`limit.threshold_reached`, once for the alert."""
    limit = alert.limit
    data = {
        **_limit_data(limit, alert.period),
        "threshold": alert.threshold,
        "spent": money_string(alert.spent, limit.account.currency),
    }
    announce(limit.account, EventType.LIMIT_THRESHOLD_REACHED, data, fact=str(alert.pk), at=alert.created_at)


def tell_stop(stop: Stop) -> None:
    """`limit.stopped`, once for the limit's version and the period."""
    limit = stop.limit
    data = _limit_data(limit, stop.period)
    announce(limit.account, EventType.LIMIT_STOPPED, data, fact=str(stop.pk), at=stop.created_at)


def _limit_data(limit: LimitVersion, period: Period) -> dict[str, Any]:
    currency, amount = limit.account.currency, limit.amount
    return {
        "limit": {
            "id": str(limit.pk),
            "meter": limit.meter.code if limit.meter else None,
            "amount": None if amount is None else money_string(amount, currency),
            "action": limit.action,
            "thresholds": list(limit.thresholds),
        },
        "currency": currency,
        "period": {"start": utc(period.start), "end": utc(period.end)},
        "resets_at": utc(period.end),
    }


def tell_drill(drill: Drill) -> None:
    """What reaching the limit would tell, marked as a test: its last threshold, and the stop if it stops."""
    limit, fact = drill.limit, str(drill.pk)
    data = _limit_data(limit, drill.period)
    spent = data["limit"]["amount"]
    reached = {**data, "threshold": 100, "spent": spent}
    announce(limit.account, EventType.LIMIT_THRESHOLD_REACHED, reached, fact=fact, test=True)
    if limit.action == LimitVersion.Action.STOP:
        announce(limit.account, EventType.LIMIT_STOPPED, data, fact=fact, test=True)
