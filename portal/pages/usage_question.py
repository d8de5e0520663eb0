"""What the explorer is asked: which days, one meter or all, by what, and beside which days before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from django.utils.translation import gettext

from accounts.models import Account
from billing.plans.models import Period
from billing.pricing.dates import local_date
from portal import dates

DAY: Final = timedelta(days=1)
MAX_DAYS: Final = 366
METER: Final = "meter"
RECENT_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as typed; `errors` are (field, sentence). `meter` "" is all, `by` "meter" or a
    dimension. `compare`: the same of the days before as well."""

    first: date
    last: date
    meter: str
    by: str
    typed_from: str
    typed_to: str
    errors: tuple[tuple[str, str], ...] = ()
    compare: bool = False

    @property
    def query(self) -> dict[str, str]:
        asked = {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "meter": self.meter,
            "by": self.by,
        }
        return {**asked, "compare": "1"} if self.compare else asked

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def of(self, first: date, last: date) -> "Question":
        """The same question of other days."""
        typed = first.isoformat(), last.isoformat()
        return replace(self, first=first, last=last, typed_from=typed[0], typed_to=typed[1], errors=())


@dataclass(frozen=True, slots=True)
class Preset:
    """A range that is asked for often; `current`: it is the one that is shown."""

    name: str
    first: date
    last: date
    current: bool


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
        compare=data.get("compare") == "1",
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


def question_before(question: Question, periods: Sequence[Period], today: date) -> Question:
    """The days that `question` is compared with: of a billing period the one before it (of the running one as many of
    its days as have begun), else as many days right before. `periods`: the account's, in order.
    """
    place = next((n for n, one in enumerate(periods) if one.first_day == question.first), 0)
    if place:
        period, before = periods[place], periods[place - 1]
        last_before = before.end_day - DAY
        if question.last == period.end_day - DAY:
            return question.of(before.first_day, last_before)
        if question.last == today and today < period.end_day:
            return question.of(
                before.first_day, min(before.first_day + DAY * (question.days - 1), last_before)
            )
    return question.of(question.first - DAY * question.days, question.first - DAY)


def question_after(question: Question, periods: Sequence[Period]) -> Question:
    """The days that follow: of a billing period the next one, else as many days right after."""
    place = next((n for n, one in enumerate(periods) if one.end_day - DAY == question.last), None)
    if place is not None and periods[place].first_day == question.first and place + 1 < len(periods):
        following = periods[place + 1]
        return question.of(following.first_day, following.end_day - DAY)
    return question.of(question.last + DAY, question.last + DAY * question.days)


def presets(question: Question, periods: Sequence[Period], today: date) -> list[Preset]:
    """This billing period, the last one, the last 30 days, this year, last year."""
    begun = [one for one in periods if one.first_day <= today]
    named = list[tuple[str, date, date]]()
    if begun and today < begun[-1].end_day:
        named.append((gettext("This period"), begun[-1].first_day, today))
        begun = begun[:-1]
    if begun:
        named.append((gettext("Last period"), begun[-1].first_day, begun[-1].end_day - DAY))
    year = today.replace(month=1, day=1)
    named += [
        (gettext("Last 30 days"), today - DAY * (RECENT_DAYS - 1), today),
        (gettext("This year"), year, today),
        (gettext("Last year"), year.replace(year=year.year - 1), year - DAY),
    ]
    shown = question.first, question.last
    return [Preset(name, first, last, (first, last) == shown) for name, first, last in named]
