"""Usage as CSV, by the very function that answers the usage API, a day or a calendar month of a meter at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from accounts.models import Account
from billing.invoices.exports.cells import Cell, Number, csv_rows
from billing.invoices.exports.reading import read_now
from billing.plans.models import Meter
from billing.plans.stored import meter_def
from billing.pricing.charges import localized
from billing.pricing.dates import DAY, add_intervals, local_date, local_midnight, utc
from billing.pricing.money import plain
from billing.usage.queries import UsageQueryError, UsageRow, check_question, usage_rows

LONGEST: Final = timedelta(days=3660)
COLUMNS: Final = ("account", "meter", "name", "unit", "start", "local_start", "quantity", "events")
"""Dimensions stand between `local_start` and `quantity`, in the order in which they were asked for; one that is named
as a column of ours has `dimension.` before it.
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Usage of [start, end) by `granularity` and the dimensions `group_by`; a meter has those that it declares."""

    account: Account
    meters: Sequence[Meter]
    start: datetime
    end: datetime
    granularity: str
    group_by: Sequence[str]

    def check(self) -> None:
        """`UsageQueryError` if it has no answer; ask before the file begins."""
        for meter in self.meters:
            check_question(meter, self.start, self.end, self.granularity, self.dimensions_of(meter))
        declared = {name for meter in self.meters for name in meter.dimensions}
        for name in self.group_by:
            if name not in declared:
                raise UsageQueryError("group_by", f"{name[:100]} is no dimension of a meter.")
        if len(set(self.group_by)) < len(self.group_by):
            raise UsageQueryError("group_by", "Name each dimension once.")
        if self.end - self.start > LONGEST:
            raise UsageQueryError("to", f"Ask for {LONGEST.days} days at most.")

    def dimensions_of(self, meter: Meter) -> list[str]:
        return [name for name in self.group_by if name in meter.dimensions]


def usage_csv(asked: Asked) -> Iterator[bytes]:
    """The file: by meter, then by time. Empty buckets are left out."""
    dimensions = [f"dimension.{name}" if name in COLUMNS else name for name in asked.group_by]
    yield csv_rows([(*COLUMNS[:6], *dimensions, *COLUMNS[6:])])
    for meter in asked.meters:
        names = asked.dimensions_of(meter)
        for start, end in spans(asked.account.timezone, asked.start, asked.end, asked.granularity):
            read = partial(usage_rows, asked.account, meter, start, end, asked.granularity, names)
            yield csv_rows(_cells(asked, meter, row) for row in read_now(asked.account, read))


def spans(zone: str, start: datetime, end: datetime, granularity: str) -> Iterator[tuple[datetime, datetime]]:
    """[start, end) in calendar months of `zone`, for hours in days: a bucket lies in one of them, and not many do.

    `none` is one bucket, so one span.
    """
    if granularity == "none":
        yield start, end
        return
    while start < end:
        day = local_date(start, zone)
        following = day + DAY if granularity == "hour" else add_intervals(day.replace(day=1), "month", 1)
        cut = min(local_midnight(following, zone), end)
        yield start, cut
        start = cut


def _cells(asked: Asked, meter: Meter, row: UsageRow) -> list[Cell]:
    account, terms = asked.account, meter_def(meter)
    local = row.start.astimezone(ZoneInfo(account.timezone)).isoformat()
    return [
        account.code,
        meter.code,
        localized(terms.name, account.locale),
        localized(terms.unit, account.locale),
        Number(utc(row.start)),
        Number(local),
        *(row.dimensions.get(name) for name in asked.group_by),
        Number(plain(row.quantity)),
        row.events,
    ]
