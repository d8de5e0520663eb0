"""The receipt of a stop: when usage crossed the limit, what was refused and waived, who or what resumed it.

All of it comes from facts that others wrote: arrivals, versions, refusals, and the clamp that the invoice uses.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from django.db.models import F, Max, Min, QuerySet, Sum
from django.utils import timezone

from accounts.models import Account
from billing.limits.models import LimitVersion, Refusal, Stop
from billing.limits.queries.clamping import position
from billing.limits.queries.crossing import is_reached
from billing.plans.models import Meter, Period
from billing.pricing import clamp as rules
from billing.pricing.dates import local_date
from billing.pricing.money import ZERO, exact
from billing.usage.rating import rate_period


class Cause(StrEnum):
    """What let usage go on again."""

    RAISED = "raised"
    REMOVED = "removed"
    TELLS = "tells"
    STAFF = "staff"
    PERIOD = "period"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Resumption:
    """`version` is the change that did it. `at` is None where usage was withdrawn, which leaves no instant."""

    cause: Cause
    at: datetime | None = None
    version: LimitVersion | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """A stop without its money. `resumed` None: it still refuses. `enforced_at` is the first refusal."""

    stop: Stop
    number: str
    enforced_at: datetime | None
    last_refused_at: datetime | None
    refused: int
    resumed: Resumption | None

    @property
    def limit(self) -> LimitVersion:
        return self.stop.limit

    @property
    def meter(self) -> Meter | None:
        return self.stop.limit.meter

    @property
    def period(self) -> Period:
        return self.stop.period

    @property
    def at(self) -> datetime:
        """When it fired."""
        return self.stop.crossed_at or self.enforced_at or self.stop.created_at

    @property
    def delay(self) -> timedelta | None:
        """From the crossing to the first refusal; None while one is missing, or where refusals came first."""
        if self.stop.crossed_at is None or self.enforced_at is None:
            return None
        delay = self.enforced_at - self.stop.crossed_at
        return delay if delay >= timedelta(0) else None


@dataclass(frozen=True, slots=True)
class Receipt:
    """`usage` is what this limit counted until it was changed or the period ended, in whole minor units:
    usage - waived_before - waived = payable. `waived_before` was waived by its earlier versions in the period.
    For the account's limit `usage` is what the limits on meters left; `by_meters` is what those waive in the period.
    """

    firing: Firing
    usage: Decimal
    waived_before: Decimal
    waived: Decimal
    payable: Decimal
    by_meters: Decimal = ZERO


def firings(account: Account, limit: int = 20) -> list[Firing]:
    """The account's stops, newest first. A handful of queries, however many."""
    return _firings(account, list(_stops(account)[:limit]))


def receipt(account: Account, stop: UUID) -> Receipt | None:
    """The receipt of one stop; None if the account has no such one."""
    found = _firings(account, list(_stops(account).filter(pk=stop)))
    return receipt_of(found[0]) if found else None


@exact()
def receipt_of(firing: Firing) -> Receipt:
    """With its money, as it stands: late usage of the period changes it as it changes the invoice."""
    meter = firing.meter
    now = position(rate_period(firing.period))
    split = now.of(meter.code if meter else None)
    versions = now.versions.get(meter, ())
    start, end = _governed(versions, firing.limit, split.payable + split.waived)
    before, after = (rules.payable(versions, usage) for usage in (start, end))
    if firing.resumed is None and firing.stop.reached:
        spent = now.spent(meter.code if meter else None)
        if not is_reached(firing.limit, spent):
            firing = replace(firing, resumed=Resumption(Cause.WITHDRAWN))
    by_meters = now.split.waived - now.split.account.waived if meter is None else ZERO
    return Receipt(firing, end, before.waived, after.waived - before.waived, after.payable, by_meters)


def _governed(
    versions: Sequence[rules.LimitVersion], limit: LimitVersion, usage: Decimal
) -> tuple[Decimal, Decimal]:
    """From where to where, of `usage`, the version `limit` says what is payable.

    A version governs from its start up to the lowest start of a later one: usage that was withdrawn runs back along
    the version before. So the stretches of a period's versions lie end to end, and what they waive adds up to the
    waiver of its invoice.
    """
    inside = [version.usage_at_start for version in versions if version.since >= limit.since]
    first = not versions or versions[0].since >= limit.since
    start = ZERO if first else min(inside, default=usage)
    return min(start, usage), min([usage, *inside[1:]])


def _stops(account: Account) -> QuerySet[Stop]:
    return Stop.objects.filter(account=account).select_related("limit__meter", "limit__created_by", "period")


def _firings(account: Account, stops: Sequence[Stop]) -> list[Firing]:
    if not stops:
        return []
    made = LimitVersion.objects.filter(account=account, since__gt=min(stop.limit.since for stop in stops))
    changes = list(made.select_related("meter", "created_by").order_by("since"))
    # Versions that were reached as they were set let nothing go on.
    in_vain = set(
        Stop.objects.filter(account=account, crossed_at__lte=F("limit__since")).values_list(
            "limit_id", flat=True
        )
    )
    numbers, refusals = _numbers(account), _refusals(stops)
    found = []
    for stop in stops:
        stop.period.account = account  # known: rating reads its zone
        first, last, requests = refusals.get((stop.limit_id, stop.period_id), (None, None, 0))
        resumed = _resumed(stop, [one for one in changes if one.pk not in in_vain])
        found.append(Firing(stop, numbers[stop.pk], first, last, requests, resumed))
    return found


def _resumed(stop: Stop, changes: Iterable[LimitVersion]) -> Resumption | None:
    limit, period = stop.limit, stop.period
    for change in changes:
        if change.meter_id == limit.meter_id and limit.since < change.since < period.end:
            cause = _cause(limit, change)
            if cause is not None:
                return Resumption(cause, change.since, change)
    return Resumption(Cause.PERIOD, period.end) if timezone.now() >= period.end else None


def _cause(limit: LimitVersion, change: LimitVersion) -> Cause | None:
    """How `change` let usage go on after `limit`; None if it did not."""
    if change.amount is None:
        cause = Cause.REMOVED
    elif change.action != LimitVersion.Action.STOP:
        cause = Cause.TELLS
    elif change.amount > (limit.amount or ZERO):
        cause = Cause.RAISED
    else:
        return None
    return Cause.STAFF if change.note else cause


def _numbers(account: Account) -> dict[UUID, str]:
    """R-2026-10-31-1: the local day on which the stop was noticed, and its place among that day's."""
    rows = Stop.objects.filter(account=account).order_by("created_at", "pk")
    numbers, counts = {}, dict[object, int]()
    for pk, created_at, zone in rows.values_list("pk", "created_at", "period__timezone"):
        day = local_date(created_at, zone)
        counts[day] = counts.get(day, 0) + 1
        numbers[pk] = f"R-{day}-{counts[day]}"
    return numbers


def _refusals(stops: Iterable[Stop]) -> dict[tuple[UUID, int], tuple[datetime, datetime, int]]:
    """By version and period: the first refusal, the last, how many."""
    rows = Refusal.objects.filter(limit__in={stop.limit_id for stop in stops}).values_list(
        "limit_id", "period_id"
    )
    summed = rows.annotate(first=Min("first_at"), last=Max("last_at"), count=Sum("requests"))
    return {(limit, period): (first, last, count) for limit, period, first, last, count in summed}
