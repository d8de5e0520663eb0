"""Tell that the pace leads to a limit: "at this rate you reach it on 23 November". Once per period and version."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import Account
from billing.limits.models import Alert, LimitVersion
from billing.limits.queries.clamping import spent_on, usage_so_far
from billing.limits.queries.pace import expected_on
from billing.limits.queries.versions import current_limits
from billing.limits.queries.window import parts, running_period
from billing.plans.models import Period
from billing.pricing.money import ZERO
from billing.usage.rating import rate_period


@transaction.atomic
def raise_pace_alerts(account: Account, at: datetime) -> list[Alert]:
    """The alerts by pace that are called for and were not there yet.

    A new version tells again if it was raised; lowering a limit, or changing how it acts, tells nothing twice.
    """
    limits = [limit for limit in current_limits(account) if limit.pace]
    period = running_period(account, at) if limits else None
    if period is None:
        return []
    untold = _untold(account, limits, parts(period))
    days = expected_on(untold, period, at) if untold else {}
    if not days:
        return []
    usage = usage_so_far(rate_period(period, as_of=at))
    new = []
    for limit, day in days.items():
        spent = spent_on(usage, limit.meter.code if limit.meter else None)
        alert, made = Alert.objects.get_or_create(
            limit=limit,
            period=period,
            threshold=Alert.PACE,
            defaults={"account": account, "spent": spent, "expected_on": day},
        )
        new += [alert] if made else []
    return new


def _untold(
    account: Account, limits: Sequence[LimitVersion], running: Sequence[Period]
) -> list[LimitVersion]:
    """The limits that lie beyond what people were told the pace leads to in the running period."""
    told = Alert.objects.filter(account=account, period__in=running, threshold=Alert.PACE)
    highest = dict[int | None, Decimal]()
    for alert in told.select_related("limit"):
        amount = alert.limit.amount or ZERO
        highest[alert.limit.meter_id] = max(amount, highest.get(alert.limit.meter_id, ZERO))
    return [
        limit
        for limit in limits
        if limit.meter_id not in highest or (limit.amount or ZERO) > highest[limit.meter_id]
    ]
