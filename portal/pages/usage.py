"""The explorer: cost by meter, or one meter's quantity by any of its dimensions, over any range up to a
year, and beside it the same of the days before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext

from accounts.models import Account
from billing.plans.models import Meter, Period
from billing.pricing.dates import DAY, local_date, local_midnight
from billing.pricing.money import ZERO
from billing.usage.queries import usage_rows
from portal import dates, formats
from portal.charts import BarChart, Column, Series, day_bars, fold
from portal.pages.usage_answer import Answer, answer_beside, answer_of, read_ahead
from portal.pages.usage_compare import Beside, UsageComparison, compared
from portal.pages.usage_question import METER, Question, question_before

# More days than this are drawn as months: bars would be thinner than the gaps between them.
DAILY_UP_TO: Final = 92


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group with its sum over the range."""

    code: str
    name: str
    css: str
    total: Decimal
    share: str


@dataclass(frozen=True, slots=True)
class BucketRow:
    """A day or month up to and with `last`: the cells of its groups and their sum."""

    start: date
    label: str
    cells: tuple[Decimal, ...]
    total: Decimal
    partial: bool
    weekend: bool
    last: date


@dataclass(frozen=True, slots=True)
class UsagePage:
    question: Question
    currency: str
    as_of: datetime
    money: bool
    unit: str
    meters: Sequence[tuple[str, str]]
    dimensions: Sequence[str]
    days: int
    daily: bool
    series: Sequence[Series]
    groups: Sequence[GroupRow]
    rows: Sequence[BucketRow]
    total: Decimal
    quantity: Decimal | None
    highest: BucketRow | None
    top: GroupRow | None
    chart: BarChart
    meter_name: str
    counted: str
    sharing: Sequence[tuple[str, str]]
    comparison: UsageComparison | None = None

    @property
    def span(self) -> str:
        return dates.span(self.question.first, self.question.last)

    @property
    def newest_first(self) -> Sequence[tuple[BucketRow, Beside | None]]:
        """The rows, each with what stood in its place before."""
        beside = self.comparison.rows if self.comparison else [None] * len(self.rows)
        return list(zip(self.rows, beside, strict=True))[::-1]

    @property
    def grouped(self) -> Sequence[tuple[GroupRow, Beside | None]]:
        """The groups, each with its sum of the days before."""
        beside = self.comparison.groups if self.comparison else [None] * len(self.groups)
        return list(zip(self.groups, beside, strict=True))

    @property
    def empty(self) -> bool:
        return not any(any(row.cells) for row in self.rows)


def usage_page(
    account: Account, question: Question, at: datetime, periods: Sequence[Period] = ()
) -> UsagePage:
    """The answer. A dimension counts one meter's quantity: a price has steps, so its cost has no exact shares.

    `periods` are the account's, in order, by which the days before are found.
    """
    earlier = question_before(question, periods, local_date(at, account.timezone))
    # Beside quantities stand quantities: they ask for no costs of the days before.
    priced = [question, earlier] if question.compare and question.by == METER else [question]
    read_ahead(account, priced, at)
    answer = answer_of(account, question, at)
    found = _page(account, question, at, answer)
    if answer.counted and answer.money:
        found = replace(found, quantity=_used(account, question, answer.counted))
    if not question.compare:
        return found
    counted = replace(earlier, compare=False)
    before = _page(account, counted, at, answer_beside(account, counted, at, answer))
    beside = compared(found, before)
    chart = _chart(found.series, found.rows, found, [one.before for one in beside.rows], before.span)
    return replace(found, comparison=beside, chart=chart)


def _page(account: Account, question: Question, at: datetime, answer: Answer) -> UsagePage:
    days = [question.first + DAY * at for at in range((question.last - question.first).days + 1)]
    daily = len(days) <= DAILY_UP_TO
    starts = days if daily else sorted({day.replace(day=1) for day in days})
    place = {start: number for number, start in enumerate(starts)}
    series = fold(
        [(code, name, _bucketed(cells, days, place, daily)) for code, name, cells in answer.rows],
        gettext("Other"),
    )
    today = local_date(at, account.timezone)
    buckets = [
        _bucket(series, number, _span(start, daily, question), daily, today)
        for start, number in place.items()
    ]
    total = sum((row.total for row in buckets), ZERO)
    groups = [_group(code, name, cells, total, series) for code, name, cells in answer.rows]
    currency, counted, money = account.currency, answer.counted, answer.money
    top = max(groups, key=lambda one: one.total, default=None)
    highest = max(buckets, key=lambda row: row.total, default=None)
    return UsagePage(
        question=question,
        currency=currency,
        as_of=at,
        money=money,
        unit=formats.plural(formats.text_of(counted.unit), Decimal(2)) if counted else "",
        meters=[(code, formats.text_of(one.name)) for code, one in answer.meters.items()],
        dimensions=answer.dimensions,
        days=len(days),
        daily=daily,
        series=series,
        groups=groups,
        rows=buckets,
        total=total,
        quantity=None,
        highest=highest if highest and highest.total > 0 else None,
        top=top if top and top.total > 0 and len(groups) > 1 else None,
        chart=_chart(series, buckets, _Look(daily, money, currency)),
        meter_name=formats.text_of(counted.name) if counted else "",
        counted=counted.code if counted else "",
        sharing=[
            (code, formats.text_of(one.name))
            for code, one in answer.meters.items()
            if not money and question.by in one.dimensions
        ],
    )


@dataclass(frozen=True, slots=True)
class _Look:
    daily: bool
    money: bool
    currency: str


def _chart(
    series: Sequence[Series],
    rows: Sequence[BucketRow],
    look: "_Look | UsagePage",
    before: Sequence[Decimal] = (),
    before_name: str = "",
) -> BarChart:
    """The chart; with dashed outlines of what stood in each place before."""
    money, currency = look.money, look.currency
    return day_bars(
        series,
        [_column(row, look.daily) for row in rows],
        lambda value: formats.money_short(value, currency) if money else formats.axis_number(value),
        lambda value: formats.money(value, currency) if money else formats.quantity(value),
        before,
        before_name,
    )


def _used(account: Account, question: Question, meter: Meter) -> Decimal:
    """The exact quantity of the whole range."""
    start = local_midnight(question.first, account.timezone)
    end = local_midnight(question.last + DAY, account.timezone)
    return sum((row.quantity for row in usage_rows(account, meter, start, end, "none")), ZERO)


def _bucketed(
    cells: Sequence[Decimal], days: Sequence[date], place: Mapping[date, int], daily: bool
) -> list[Decimal]:
    sums = [ZERO] * len(place)
    for day, value in zip(days, cells, strict=True):
        sums[place[day if daily else day.replace(day=1)]] += value
    return sums


def _span(start: date, daily: bool, question: Question) -> tuple[date, date]:
    """First and last day of a bucket, inside the range."""
    if daily:
        return start, start
    return max(start, question.first), min(question.last, (start + DAY * 31).replace(day=1) - DAY)


def _bucket(
    series: Sequence[Series], number: int, span: tuple[date, date], daily: bool, today: date
) -> BucketRow:
    start, last = span
    cells = tuple(one.values[number] for one in series)
    return BucketRow(
        start=start,
        last=last,
        label=dates.day(start, "EMMMd") if daily else dates.month(start),
        cells=cells,
        total=sum(cells, ZERO),
        partial=start <= today <= last,
        weekend=daily and start.weekday() >= 5,
    )


def _group(
    code: str, name: str, cells: Sequence[Decimal], total: Decimal, series: Sequence[Series]
) -> GroupRow:
    own = sum(cells, ZERO)
    css = next((one.css for one in series if one.code == code and one.name == name), "so")
    share = formats.percent_fixed(own / total) if total > 0 else formats.DASH
    return GroupRow(code, name, css, own, share)


def _column(row: BucketRow, daily: bool) -> Column:
    if not daily:
        return Column(dates.month_short(row.start), partial=row.partial)
    return Column(str(row.start.day), dates.weekday(row.start), row.partial)
