"""The limits' running period: a billing period, joined to the one that a cancelled subscription left unfinished.

Ending a subscription and starting another does not give the limit anew (contract, section 4).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from django.db.models import F

from accounts.models import Account
from accounts.reading import grouped, many, once
from billing.limits.models import LimitVersion
from billing.plans.models import Meter, Period
from billing.plans.queries import period_at
from billing.pricing import clamp as rules
from billing.pricing.money import ZERO


def running_period(account: Account, at: datetime) -> Period | None:
    """The period whose usage counts at `at`: the one that runs, or the one that a cancellation cut short."""
    period = period_at(account, at) or _cut_short(account, at)
    if period is not None:
        period.account = account  # known: rating reads its zone
    return period


@once
def continued(period: Period) -> Period | None:
    """The cut period of an earlier subscription that would still run when `period`, the first of its own, began."""
    return _cut_short(period.account, period.start) if period.number == 0 else None


def parts(period: Period) -> list[Period]:
    """The period, after the ones that it continues."""
    earlier = continued(period)
    return [period] if earlier is None else [*parts(earlier), period]


@once
def versions_in(period: Period) -> dict[Meter | None, list[rules.LimitVersion]]:
    """The versions that held in `period`, in order of time, by meter; the key None is the account's own limit.

    The one that held before the first change in the running period follows into it, and begins with nothing used.
    """
    inside = {part.pk for part in parts(period)}
    by_meter: dict[Meter | None, list[LimitVersion]] = {}
    for version in limit_versions(period.account_id):
        if version.since < period.end or version.period_id in inside:
            by_meter.setdefault(version.meter, []).append(version)
    return {meter: _in_order(versions, inside) for meter, versions in by_meter.items()}


@many
def limit_versions(account_ids: Sequence[int]) -> dict[int, list[LimitVersion]]:
    """All that an account ever had, in order of time, with their meters and who made them."""
    rows = LimitVersion.objects.filter(account__in=account_ids).select_related("meter", "created_by")
    rows = rows.order_by("since")
    return grouped(account_ids, rows, lambda version: version.account_id)


def _in_order(versions: Sequence[LimitVersion], periods: set[int]) -> list[rules.LimitVersion]:
    inside = [version for version in versions if version.period_id in periods]
    before = [
        one
        for one in versions
        if one.period_id not in periods and not (inside and one.since > inside[0].since)
    ]
    return [_rule(one, carried=True) for one in before[-1:]] + [_rule(one) for one in inside]


def _rule(version: LimitVersion, carried: bool = False) -> rules.LimitVersion:
    return rules.LimitVersion(
        since=version.since,
        amount=version.amount,
        action=cast(rules.Action, version.action),
        usage_at_start=ZERO if carried else version.usage_at_start,
        payable_at_start=ZERO if carried else version.payable_at_start,
    )


def _cut_short(account: Account, at: datetime) -> Period | None:
    """The account's latest period that was ended before its time and would hold `at` otherwise."""
    held = (cut for cut in cut_periods(account.pk) if cut.start < at and cut.end <= at < cut.full_end)
    return next(held, None)


@many
def cut_periods(account_ids: Sequence[int]) -> dict[int, list[Period]]:
    """Those of an account that were ended before their time, the latest first."""
    cut = Period.objects.filter(account__in=account_ids, end__lt=F("full_end"))
    rows = cut.select_related("subscription", "account").order_by("-end", "-number")
    return grouped(account_ids, rows, lambda period: period.account_id)
