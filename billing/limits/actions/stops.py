"""Record each firing of a limit that stops, once for its version and period: what receipts are made of."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account
from billing.limits.actions.telling import tell_stop
from billing.limits.models import LimitVersion, Refusal, Stop
from billing.limits.queries.clamping import spent_on
from billing.limits.queries.crossing import crossed_at, is_reached
from billing.plans.models import Period


def note_stops(
    limits: Iterable[LimitVersion], running: Sequence[Period], usage: Mapping[str, Decimal]
) -> list[Stop]:
    """The firings that are new: of limits that `usage` has reached, and of those that refused what would pass them.

    `running` are the parts of the running period, `usage` its cost by meter.
    """
    stopping = [limit for limit in limits if limit.action == LimitVersion.Action.STOP]
    if not stopping:
        return []
    known = {stop.limit_id: stop for stop in Stop.objects.filter(limit__in=stopping, period__in=running)}
    refused = set(
        Refusal.objects.filter(limit__in=stopping, period=running[-1]).values_list("limit_id", flat=True)
    )
    new = []
    for limit in stopping:
        reached = is_reached(limit, spent_on(usage, limit.meter.code if limit.meter else None))
        stop = known.get(limit.pk)
        if stop is None and (reached or limit.pk in refused):
            new += _fire(limit, running[-1], reached=reached)
        elif stop is not None and reached and not stop.reached:
            Stop.objects.filter(pk=stop.pk).update(reached=True)
    return new


def fire_at_once(limit: LimitVersion, period: Period | None, spent: Decimal) -> None:
    """Record that a new version was reached by what was spent before it, if it was: it fired as it was set."""
    if limit.action == LimitVersion.Action.STOP and period is not None and is_reached(limit, spent):
        _fire(limit, period, reached=True, crossed_at=limit.since)


def time_stops(account: Account) -> int:
    """Find the instant of each crossing that is not known yet; how many. Who else looks for it is left to it."""
    free = untimed_stops().filter(account=account).select_for_update(skip_locked=True, of=("self",))
    found = list(free.select_related("limit__meter", "period"))
    for stop in found:
        stop.period.account = account
        stop.crossed_at = crossed_at(stop.limit, stop.period, timezone.now()) or stop.created_at
        stop.save(update_fields=["crossed_at"])
    return len(found)


def untimed_stops() -> QuerySet[Stop]:
    return Stop.objects.filter(reached=True, crossed_at=None)


def _fire(
    limit: LimitVersion, period: Period, *, reached: bool, crossed_at: datetime | None = None
) -> list[Stop]:
    """The firing, if no other worker recorded it in the meantime."""
    stop, made = Stop.objects.get_or_create(
        limit=limit,
        period=period,
        defaults={"account_id": limit.account_id, "reached": reached, "crossed_at": crossed_at},
    )
    if made:
        tell_stop(stop)
    return [stop] if made else []
