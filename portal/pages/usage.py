"""The explorer: cost by meter, or one meter's quantity by any of its dimensions, over any range up to a
year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext

from accounts.models import Account
from billing.plans.models import Meter, Period
from billing.pricing.dates import local_date, local_midnight
from billing.usage.queries import usage_rows
from portal import dates, formats
from portal.charts import BarChart, Column, Series, day_bars, fold
from portal.pages.figures import PeriodFigures, period_figures

DAY: Final = timedelta(days=1)
ZERO: Final = Decimal(0)
MAX_DAYS: Final = 366
# More days than this are drawn as months: bars would be thinner than the gaps between them.
DAILY_UP_TO: Final = 92
METER: Final = "meter"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as typed; `errors` are (field, sentence). `meter` "" is all, `by` "meter" or a
    dimension."""

    first: date
    last: date
    meter: str
    by: str
    typed_from: str
    typed_to: str
    errors: tuple[tuple[str, str], ...] = ()

    @property
    def query(self) -> dict[str, str]:
        return {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "meter": self.meter,
            "by": self.by,
        }


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

    @property
    def span(self) -> str:
        return dates.span(self.question.first, self.question.last)

    @property
    def newest_first(self) -> Sequence[BucketRow]:
        return self.rows[::-1]

    @property
    def empty(self) -> bool:
        return not any(any(row.cells) for row in self.rows)


def read_question(
    data: Mapping[str, str], account: Account, at: datetime, running: Period | None
) -> Question:
    """The question in a query string: what is missing is this period so far, what is wrong is named and left out."""
    today = local_date(at, account.timezone)
    first_default = running.first_day if running else today.replace(day=1)
    last_default = min(today, running.end_day - DAY) if running else today
    errors = list[tuple[str, str]]()
    first = _day(data.get("from", ""), "from", first_default, errors)
    last = _day(data.get("to", ""), "to", max(last_default, first), errors)
    if last < first:
        words = gettext("The last day is before the first: choose %(day)s or a later one")
        errors.append(("to", words % {"day": dates.day(first)}))
        last = first
    if (last - first).days >= MAX_DAYS:
        words = gettext("A range is a year at most: choose a day before %(day)s")
        errors.append(("to", words % {"day": dates.day(first + DAY * MAX_DAYS)}))
        last = first + DAY * (MAX_DAYS - 1)
    return Question(
        first=first,
        last=last,
        meter=data.get("meter", ""),
        by=data.get("by", METER) or METER,
        typed_from=data.get("from") or first.isoformat(),
        typed_to=data.get("to") or last.isoformat(),
        errors=tuple(errors),
    )


def _day(text: str, name: str, default: date, errors: list[tuple[str, str]]) -> date:
    if not text:
        return default
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or not 1971 <= found.year <= 2198:
        words = gettext("Write the day as year-month-day, such as %(example)s")
        errors.append((name, words % {"example": "2026-11-01"}))
        return default
    return found


def usage_page(account: Account, question: Question, at: datetime) -> UsagePage:
    """The answer. A dimension counts one meter's quantity: a price has steps, so its cost has no exact shares."""
    figures = _figures(account, question, at)
    meters = _meters(figures)
    chosen = meters.get(question.meter)
    dimensions = sorted(
        {name for one in ([chosen] if chosen else meters.values()) for name in one.dimensions}
    )
    if question.by in dimensions:
        counted = chosen or next(one for one in meters.values() if question.by in one.dimensions)
        rows = _quantities(account, question, counted, question.by)
        return _page(account, question, at, _Answer(meters, dimensions, counted, False, rows))
    return _page(
        account, question, at, _Answer(meters, dimensions, chosen, True, _costs(figures, question, chosen))
    )


type Cells = tuple[str, str, list[Decimal]]
"""Code and name of a group, and its value on each day of the range."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """`counted` is the meter that is looked at alone, if any; `money`: the cells are costs, else its quantities."""

    meters: Mapping[str, Meter]
    dimensions: Sequence[str]
    counted: Meter | None
    money: bool
    rows: Sequence[Cells]


def _figures(account: Account, question: Question, at: datetime) -> list[PeriodFigures]:
    """The periods that the range touches, each rated as its invoice is."""
    start = local_midnight(question.first, account.timezone)
    end = min(local_midnight(question.last + DAY, account.timezone), at)
    periods = Period.objects.filter(account=account, trial=False, start__lt=end, end__gt=start)
    found = periods.select_related("account", "subscription__account", "base_version__plan").order_by("start")
    return [period_figures(account, period, at, compare=False) for period in found]


def _meters(figures: Sequence[PeriodFigures]) -> dict[str, Meter]:
    """The meters that the plans of the range charge for, in the plans' order."""
    codes = list(dict.fromkeys(one.meter for period in figures for one in period.charges))
    stored = {meter.code: meter for meter in Meter.objects.filter(code__in=codes)}
    return {code: stored[code] for code in codes if code in stored}


def _costs(figures: Sequence[PeriodFigures], question: Question, meter: Meter | None) -> list[Cells]:
    """Each charge's cost by day, in whole minor units that add up to its invoice lines."""
    count = (question.last - question.first).days + 1
    rows: dict[str, Cells] = {}
    for period in figures:
        for one in period.charges:
            if meter is not None and one.meter != meter.code:
                continue
            row = rows.setdefault(one.code, (one.meter, one.name, [ZERO] * count))
            for day, cost in zip(period.days, one.days, strict=False):
                place = (day - question.first).days
                if 0 <= place < count:
                    row[2][place] += cost
    return list(rows.values())


def _quantities(account: Account, question: Question, meter: Meter, by: str) -> list[Cells]:
    """The meter's quantity by day for each value of the dimension, largest first."""
    count = (question.last - question.first).days + 1
    start = local_midnight(question.first, account.timezone)
    end = local_midnight(question.last + DAY, account.timezone)
    rows: dict[str | None, list[Decimal]] = {}
    for row in usage_rows(account, meter, start, end, "day", [by]):
        place = (local_date(row.start, account.timezone) - question.first).days
        rows.setdefault(row.dimensions[by], [ZERO] * count)[place] += row.quantity
    ordered = sorted(rows.items(), key=lambda one: sum(one[1], ZERO), reverse=True)
    return [
        (value or "", value or gettext("without %(name)s") % {"name": by}, cells) for value, cells in ordered
    ]


def _page(account: Account, question: Question, at: datetime, answer: _Answer) -> UsagePage:
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
        quantity=_used(account, question, counted) if counted and money else None,
        highest=highest if highest and highest.total > 0 else None,
        top=top if top and top.total > 0 and len(groups) > 1 else None,
        chart=day_bars(
            series,
            [_column(row, daily) for row in buckets],
            lambda value: formats.money_short(value, currency) if money else formats.axis_number(value),
            lambda value: formats.money(value, currency) if money else formats.quantity(value),
        ),
        meter_name=formats.text_of(counted.name) if counted else "",
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
