"""Record the thresholds that usage has reached, each exactly once; mail.py sends them afterwards.

Once per threshold, period and limit version (portal-design, 1.4). A new version tells only of amounts beyond what
people were told before in the same running period: raising a limit arms its thresholds above that again, lowering it
or changing its action tells nothing twice.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Max

from accounts.models import Account
from billing.limits.actions.stops import note_stops
from billing.limits.actions.telling import tell_threshold
from billing.limits.models import Alert, LimitVersion
from billing.limits.queries.clamping import spent_on, usage_so_far
from billing.limits.queries.versions import current_limits
from billing.limits.queries.window import parts, running_period
from billing.plans.models import Period
from billing.pricing.money import ZERO, exact
from billing.usage.rating import rate_period

_INSERT: Final = (Path(__file__).parent.parent / "sql" / "raise_alerts.sql").read_text(encoding="utf-8")


@transaction.atomic
def raise_alerts(account: Account, at: datetime) -> list[Alert]:
    """The alerts that usage committed by now calls for and that were not there yet; by limit and threshold.

    Firings of limits that stop are recorded with them.
    """
    limits = current_limits(account)
    period = running_period(account, at) if limits else None
    if period is None:
        return []
    usage = usage_so_far(rate_period(period))
    running = parts(period)
    note_stops(limits, running, usage)
    return [
        alert
        for limit in limits
        for alert in _raise(limit, running, spent_on(usage, limit.meter.code if limit.meter else None))
    ]


def _raise(limit: LimitVersion, running: Sequence[Period], spent: Decimal) -> list[Alert]:
    period = running[-1]
    told = _told(limit, running) if _reached(limit, spent, None) else None
    due = _reached(limit, spent, told)
    if not due:
        return []
    values: dict[str, Any] = {
        "account": limit.account_id,
        "limit": limit.pk,
        "period": period.pk,
        "spent": spent,
        "thresholds": due,
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        new = [row[0] for row in cursor.fetchall()]
    rows = Alert.objects.filter(pk__in=new).select_related("limit__meter", "limit__account", "period")
    alerts = list(rows.order_by("threshold"))
    for alert in alerts:
        tell_threshold(alert)
    return alerts


@exact()
def _reached(limit: LimitVersion, spent: Decimal, told: Decimal | None) -> list[int]:
    """The thresholds whose amount `spent` has reached and that lie beyond what was `told`. Nothing used: none."""
    amount = limit.amount if limit.amount is not None else ZERO
    return [
        percent
        for percent in limit.thresholds
        if ZERO < spent >= (money := (amount * percent).scaleb(-2)) and (told is None or money > told)
    ]


def _told(limit: LimitVersion, running: Sequence[Period]) -> Decimal | None:
    """The most usage that people were told of in the running period by another version of the same limit."""
    same = Alert.objects.filter(
        account=limit.account_id, period__in=running, limit__meter=limit.meter, threshold__gt=Alert.PACE
    )
    told: Decimal | None = same.exclude(limit=limit, period=running[-1]).aggregate(most=Max("spent"))["most"]
    return told
