"""What the explorer finds: the cost of each charge, or the quantity of each value of a dimension, by day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext

from accounts.models import Account
from billing.plans.models import Meter, Period
from billing.pricing.dates import DAY, local_date, local_midnight
from billing.pricing.money import ZERO
from billing.usage.models import DayTotal
from billing.usage.queries import meters_by_code, usage_rows
from billing.usage.rating import Asked, usage_ahead
from portal.pages.figures import PeriodFigures, period_figures
from portal.pages.periods import periods_touching
from portal.pages.usage_question import Question

type Cells = tuple[str, str, list[Decimal]]
"""Code and name of a group, and its value on each day of the range."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`counted` is the meter that is looked at alone, if any; `money`: the cells are costs, else its quantities."""

    meters: Mapping[str, Meter]
    dimensions: Sequence[str]
    counted: Meter | None
    money: bool
    rows: Sequence[Cells]


def answer_of(account: Account, question: Question, at: datetime) -> Answer:
    figures = _figures(account, question, at)
    meters = _meters(account, figures, question)
    chosen = meters.get(question.meter)
    dimensions = sorted(
        {name for one in ([chosen] if chosen else meters.values()) for name in one.dimensions}
    )
    if question.by in dimensions:
        counted = chosen or next(one for one in meters.values() if question.by in one.dimensions)
        rows = _quantities(account, question, counted, question.by)
        return Answer(meters, dimensions, counted, False, rows)
    return Answer(meters, dimensions, chosen, True, _costs(figures, question, chosen))


def answer_beside(account: Account, question: Question, at: datetime, answer: Answer) -> Answer:
    """What `answer` says, of the days of `question`."""
    if answer.money or answer.counted is None:
        rows = _costs(_figures(account, question, at), question, answer.counted)
    else:
        rows = _quantities(account, question, answer.counted, question.by)
    return replace(answer, rows=rows)


def read_ahead(account: Account, questions: Iterable[Question], at: datetime) -> None:
    """Have the usage that the questions are about in memory, read together."""
    periods = [period for question in questions for period in _periods(account, question, at)]
    usage_ahead([Asked(period, as_of=at) for period in periods])


def _figures(account: Account, question: Question, at: datetime) -> list[PeriodFigures]:
    """The periods that the range touches, each rated as its invoice is."""
    periods = _periods(account, question, at)
    return [period_figures(account, period, at, compare=False) for period in periods]


def _periods(account: Account, question: Question, at: datetime) -> list[Period]:
    start = local_midnight(question.first, account.timezone)
    end = min(local_midnight(question.last + DAY, account.timezone), at)
    return periods_touching(account, start, end)


def _meters(account: Account, figures: Sequence[PeriodFigures], question: Question) -> dict[str, Meter]:
    """The meters that the plans of the range charge for, in their order; others that counted; the one asked for."""
    codes = list(dict.fromkeys(one.meter for period in figures for one in period.charges))
    days = DayTotal.objects.filter(account=account, day__range=(question.first, question.last))
    used = set(Meter.objects.filter(Exists(days.filter(meter=OuterRef("pk")))).values_list("code", flat=True))
    stored = {
        code: one
        for code, one in meters_by_code().items()
        if code in codes or code in used or code == question.meter
    }
    return {code: stored[code] for code in dict.fromkeys([*codes, *stored]) if code in stored}


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
