"""The receipt of a stop: when usage crossed the limit, what was refused and waived, who or what resumed it.

All of it comes from facts that others wrote: arrivals, versions, refusals, and the clamp that the invoice uses.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Max, Min, OuterRef, Subquery, Sum
from django.utils import timezone

from accounts.models import Account
from billing.limits.models import LimitVersion, Refusal, Stop
from billing.limits.queries.clamping import position
from billing.limits.queries.crossing import is_reached
from billing.limits.queries.window import limit_versions
from billing.plans.models import Meter, Period
from billing.pricing import clamp as rules
from billing.pricing.dates import local_date
from billing.pricing.money import ZERO, exact
from billing.usage.rating import RatedPeriod, rate_period


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
    """The account's stops, newest first. Two queries, however many; in a reading one if its limits are known."""
    stops = _stops(account)
    return _firings(account, stops, stops[:limit])


def receipt(account: Account, stop: UUID) -> Receipt | None:
    """The receipt of one stop; None if the account has no such one."""
    stops = _stops(account)
    found = _firings(account, stops, [one for one in stops if one.pk == stop])
    return receipt_of(found[0]) if found else None


@exact()
def receipt_of(firing: Firing, rated: RatedPeriod | None = None) -> Receipt:
    """With its money, as it stands: late usage of the period changes it as it changes the invoice. `rated`: a period
    that was priced already, if it is this one.
    """
    meter = firing.meter
    priced = rated if rated and rated.period == firing.period else rate_period(firing.period)
    now = position(priced)
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


def _stops(account: Account) -> list[Stop]:
    """All that the account ever had, newest first, each with its first refusal, its last, and how many there were."""
    refused = Refusal.objects.filter(limit=OuterRef("limit"), period=OuterRef("period")).values("limit")
    sums = {
        "refused_first": Min("first_at"),
        "refused_last": Max("last_at"),
        "refused_requests": Sum("requests"),
    }
    counted = {name: Subquery(refused.annotate(of=of).values("of")) for name, of in sums.items()}
    rows = Stop.objects.filter(account=account).select_related("limit__meter", "limit__created_by", "period")
    return list(rows.annotate(**counted))


def _firings(account: Account, stops: Sequence[Stop], chosen: Sequence[Any]) -> list[Firing]:
    """`chosen` of all the `stops` there are."""
    if not chosen:
        return []
    # Versions that were reached as they were set let nothing go on.
    in_vain = {stop.limit_id for stop in stops if stop.crossed_at and stop.crossed_at <= stop.limit.since}
    changes = [one for one in limit_versions(account.pk) if one.pk not in in_vain]
    numbers, found = _numbers(stops), list[Firing]()
    for stop in chosen:
        stop.period.account = account  # known: rating reads its zone
        refused = stop.refused_first, stop.refused_last, stop.refused_requests or 0
        found.append(Firing(stop, numbers[stop.pk], *refused, _resumed(stop, changes)))
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


def _numbers(stops: Iterable[Stop]) -> dict[UUID, str]:
    """R-2026-10-31-1: the local day on which the stop was noticed, and its place among that day's."""
    numbers, counts = {}, dict[object, int]()
    for stop in sorted(stops, key=lambda one: (one.created_at, one.pk)):
        day = local_date(stop.created_at, stop.period.timezone)
        counts[day] = counts.get(day, 0) + 1
        numbers[stop.pk] = f"R-{day}-{counts[day]}"
    return numbers
