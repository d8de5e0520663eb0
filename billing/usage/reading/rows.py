"""Usage as rows of time buckets and dimension values: the usage API, charts and exports."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.models import Account
from billing.plans.models import Meter
from billing.pricing.dates import DAY, add_intervals
from billing.pricing.lines import EXACT_PLACES
from billing.pricing.money import ZERO, exact, round_fraction_places
from billing.usage.days import day_bounds, day_of, microseconds
from billing.usage.reading.additive import Sums, sums
from billing.usage.reading.levels import latest, level_steps
from billing.usage.reading.measures import Dimensions, Measure, Window, meters_by_code
from billing.usage.reading.special import distinct

Granularity = Literal["hour", "day", "month", "none"]
GRANULARITIES: Final[tuple[Granularity, ...]] = get_args(Granularity)

MAX_BUCKETS: Final = 2_000
"""Buckets of one answer: 83 days by the hour, five years by the day."""

EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


class UsageQueryError(ValueError):
    """A question about usage that has no answer; `field` is the parameter at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One bucket (from `start` on, in UTC) and one set of dimension values. `events`: those that the meter counts."""

    start: datetime
    dimensions: dict[str, str | None]
    quantity: Decimal
    events: int


def usage_rows(  # noqa: PLR0917
    account: Account,
    meter: Meter,
    start: datetime,
    end: datetime,
    granularity: str = "day",
    group_by: Sequence[str] = (),
) -> list[UsageRow]:
    """Usage of [start, end) by hours, days or months of the account's zone, in order; empty buckets are left out.

    `none` is one bucket, which is there also when empty. `group_by` names declared dimensions; events without one
    have None there. A `time_weighted` quantity is the bucket's average level, summed over dimension values. Raises
    `UsageQueryError`.
    """
    check_question(meter, start, end, granularity, group_by)
    starts = list(bucket_starts(account.timezone, start, end, granularity))
    window = Window(account, start, (*starts[1:], end))
    measure = Measure(meters_by_code()[meter.code], {})
    found = sums(window, [measure], group_by)
    events = {(row.bucket, row.dimensions): row.events for row in found}
    quantities = _quantities(window, starts, measure, group_by, found)
    rows = [
        UsageRow(
            starts[bucket],
            dict(zip(group_by, values, strict=True)),
            quantity,
            events.get((bucket, values), 0),
        )
        for (bucket, values), quantity in quantities.items()
        if quantity or (bucket, values) in events
    ]
    if granularity == "none" and not group_by and not rows:
        rows = [UsageRow(start, {}, ZERO, 0)]
    return sorted(rows, key=lambda row: (row.start, [value or "" for value in row.dimensions.values()]))


def daily_quantities(account: Account, meter: Meter, start: datetime, end: datetime) -> dict[date, Decimal]:
    """The quantity of each local day of the account's zone; days without usage are left out."""
    return {
        day_of(account.timezone, row.start): row.quantity
        for row in usage_rows(account, meter, start, end, "day")
    }


def check_question(
    meter: Meter, start: datetime, end: datetime, granularity: str, group_by: Sequence[str]
) -> None:
    """`UsageQueryError` for what `usage_rows` would refuse, but for the number of buckets."""
    if granularity not in GRANULARITIES:
        raise UsageQueryError(
            "granularity", _("Choose one of %(names)s.") % {"names": ", ".join(GRANULARITIES)}
        )
    for name in group_by:
        if name not in meter.dimensions:
            known = ", ".join(meter.dimensions) or _("none")
            raise UsageQueryError(
                "group_by",
                _("%(name)s is no dimension of this meter. It has: %(known)s.")
                % {"name": name[:100], "known": known},
            )
    if len(set(group_by)) < len(group_by):
        raise UsageQueryError("group_by", _("Name each dimension once."))
    if not EARLIEST <= start < LATEST:
        raise UsageQueryError("from", _("Must be an instant from 1970 to 2199."))
    if not EARLIEST < end <= LATEST:
        raise UsageQueryError("to", _("Must be an instant from 1970 to 2199."))
    if end <= start:
        raise UsageQueryError("to", _("Must be after from."))


def bucket_starts(zone: str, start: datetime, end: datetime, granularity: str) -> Iterator[datetime]:
    """Where each bucket of [start, end) begins, the first one at `start`. `UsageQueryError` for too many."""
    at, count = start, 0
    while at < end:
        count += 1
        if count > MAX_BUCKETS:
            message = _("The span has more than %(count)d buckets: ask for less, or for larger ones.")
            raise UsageQueryError("granularity", message % {"count": MAX_BUCKETS})
        yield at
        at = _following(zone, at, granularity) or end


def _following(zone: str, at: datetime, granularity: str) -> datetime | None:
    if granularity == "none":
        return None
    if granularity == "hour":
        local = at.astimezone(ZoneInfo(zone))
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return (at - into + timedelta(hours=1)).astimezone(UTC)
    day = day_of(zone, at)
    if granularity == "day":
        following = day + DAY
        while day_bounds(zone, following)[0] <= at:  # a day that the zone left out
            following += DAY
        return day_bounds(zone, following)[0]
    return day_bounds(zone, add_intervals(day.replace(day=1), "month", 1))[0]


@exact()
def _quantities(
    window: Window, starts: list[datetime], measure: Measure, group_by: Sequence[str], found: list[Sums]
) -> dict[tuple[int, Dimensions], Decimal]:
    kind = measure.meter.aggregation
    if kind == "count":
        return {(row.bucket, row.dimensions): Decimal(row.events) for row in found}
    if kind == "sum":
        return {(row.bucket, row.dimensions): row.total for row in found}
    if kind == "max":
        return {(row.bucket, row.dimensions): ZERO if row.maximum is None else row.maximum for row in found}
    if kind == "unique":
        return {
            (bucket, values): count
            for bucket, values, count in distinct(window, measure, group_by, anew=True)
        }
    if kind == "latest":
        return {(bucket, values): value for bucket, values, value in latest(window, measure, group_by)}
    return _average_levels(window, starts, measure, group_by)


def _average_levels(
    window: Window, starts: list[datetime], measure: Measure, group_by: Sequence[str]
) -> dict[tuple[int, Dimensions], Decimal]:
    steps = defaultdict[Dimensions, dict[int, tuple[Decimal, Decimal]]](dict)
    for bucket, values, step, moved in level_steps(window, measure, group_by):
        steps[values][bucket] = (step, moved)
    result = {}
    for values, rose in steps.items():
        level = ZERO
        for bucket, (start, end) in enumerate(zip(starts, window.cuts, strict=True)):
            step, moved = rose.get(bucket, (ZERO, ZERO))
            begin, stop = microseconds(start), microseconds(end)
            held = level * (stop - begin) + step * stop - moved
            result[bucket, values] = round_fraction_places(Fraction(held) / (stop - begin), EXACT_PLACES)
            level += step
    return result
