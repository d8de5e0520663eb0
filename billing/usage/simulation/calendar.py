"""Which periods a plan would have billed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, cast

from accounts.models import Account
from billing.plans.models import Period, PlanVersion
from billing.pricing import periods as calendar
from billing.pricing.dates import DAY, Interval
from billing.pricing.periods import Anchor, anchor_for, period_dates, periods_between
from billing.usage.days import MICROSECOND


class Bounds(NamedTuple):
    """What a period's usage depends on: its instants, and those of the full period."""

    start: datetime
    end: datetime
    full_start: datetime
    full_end: datetime


@dataclass(frozen=True, slots=True)
class PlanPeriod:
    """A period as its base price is charged in advance, and the part of it that was used. Neither is stored."""

    charged: Period
    used: Period

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.used.start, self.used.end, self.used.full_start, self.used.full_end)


def simulated_periods(
    account: Account, version: PlanVersion, start: datetime, end: datetime, own: Sequence[Period]
) -> list[PlanPeriod]:
    """The billing periods of `version` that tile [start, end); the last one is cut at `end`, its last day used.

    Where one of the account's `own` periods of the same interval begins at `start`, it and those that follow it are
    taken as they are: then a simulation bills what was billed. Otherwise, and after them, periods are counted from
    the local day, in the account's zone, whose use begins.
    """
    found = list(_taken(account, version, start, end, own))
    since = found[-1].used.end if found else start
    if since < end:
        anchor = anchor_for(since, cast(Interval, version.interval), account.timezone)
        found += [
            _counted(account, version, anchor, one) for one in periods_between(anchor, since, end, since)
        ]
    found[-1] = _cut(found[-1], end)
    return found


def _taken(
    account: Account, version: PlanVersion, start: datetime, end: datetime, own: Sequence[Period]
) -> Iterator[PlanPeriod]:
    """The account's paid periods of the version's interval that follow each other from `start` on."""
    since = start
    for row in sorted(own, key=lambda row: row.start):
        base = row.base_version
        if row.trial or base is None or base.interval != version.interval or not start <= row.start < row.end:
            continue
        if row.start != since or row.start >= end:
            return
        full = row.full_first_day, row.full_end_day
        yield PlanPeriod(
            _unsaved(account, version, row, full, row.full_end, row.full_end_day),
            _unsaved(account, version, row, full, row.end, row.end_day),
        )
        since = row.end


def own_periods(account: Account, start: datetime, end: datetime) -> Sequence[Period]:
    """The account's periods that begin in [start, end), each with the version that it opened on."""
    rows = Period.objects.filter(account=account, start__gte=start, start__lt=end)
    return list(rows.select_related("base_version").defer("base_version__terms"))


def _counted(account: Account, version: PlanVersion, anchor: Anchor, period: calendar.Period) -> PlanPeriod:
    full = period_dates(anchor, period.number)
    whole = _unsaved(account, version, period, full, period.end, period.end_day)
    return PlanPeriod(whole, whole)


def _cut(period: PlanPeriod, end: datetime) -> PlanPeriod:
    """The period as one that is used up to `end` only."""
    used = period.used
    if end >= used.end:
        return period
    last_day = calendar.local_date(end - MICROSECOND, used.timezone)
    end_day = min(max(last_day, used.first_day), used.last_day) + DAY
    full = used.full_first_day, used.full_end_day
    return PlanPeriod(
        period.charged, _unsaved(used.account, period.charged.base_version, used, full, end, end_day)
    )


def _unsaved(  # noqa: PLR0917
    account: Account,
    version: PlanVersion | None,
    dates: Period | calendar.Period,
    full: tuple[date, date],
    end: datetime,
    end_day: date,
) -> Period:
    """`dates` as a period of `version` with this end; `full`: the local days of the full period."""
    return Period(
        account=account,
        number=dates.number,
        start=dates.start,
        end=end,
        full_start=dates.full_start,
        full_end=dates.full_end,
        first_day=dates.first_day,
        end_day=end_day,
        full_first_day=full[0],
        full_end_day=full[1],
        timezone=dates.timezone,
        base_version=version,
        base_end_day=full[1],
    )
