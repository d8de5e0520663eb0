"""What needs a decision, dearest first: an overdue invoice, limits, a failed mail, an unusual day. Three at most."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from statistics import median
from typing import Final, Literal
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext

from billing.limits.queries import LimitStanding, State
from portal import dates, formats
from portal.pages.figures import PeriodFigures
from portal.pages.invoices import InvoiceCard
from portal.pages.limit_bar import LimitBar

MOST: Final = 3
# A day is unusual from this many times the median day of its kind (weekdays, weekends) on.
UNUSUAL: Final = Decimal("1.5")
MIN_DAYS: Final = 5


@dataclass(frozen=True, slots=True)
class Todo:
    tone: Literal["bad", "warn", "info"]
    icon: str
    title: str
    text: str
    url: str
    link: str


def todos(
    figures: PeriodFigures,
    bar: LimitBar | None,
    meters: Sequence[LimitStanding],
    invoice: InvoiceCard | None,
    at: datetime,
) -> list[Todo]:
    """`meters`: where the limits on single meters stand."""
    limits = [*_meters(meters), *_limit(figures, bar)]
    found = [*_invoice(invoice, at), *limits, *_mails(bar), *_unusual(figures)]
    return sorted(found, key=lambda one: one.tone != "bad")[:MOST]


def _invoice(invoice: InvoiceCard | None, at: datetime) -> Iterator[Todo]:
    if invoice is None or not invoice.overdue(at):
        return
    yield Todo(
        "bad",
        "card",
        gettext("Invoice %(number)s is overdue") % {"number": invoice.number},
        gettext("%(amount)s was due on %(day)s.")
        % {
            "amount": formats.money(invoice.open_amount, invoice.currency),
            "day": dates.day(invoice.due_at, "MMMMd"),
        },
        invoice.url,
        gettext("See the invoice"),
    )


def _limit(figures: PeriodFigures, bar: LimitBar | None) -> Iterator[Todo]:
    if not figures.running or figures.period.trial:
        return
    url = reverse("portal:limits")
    if bar is None:
        yield Todo(
            "warn",
            "warn",
            gettext("No spending limit is set"),
            gettext(
                "Nothing holds your usage to an amount. Choose one, and whether to be told or stopped at it."
            ),
            url,
            gettext("Choose a limit"),
        )
        return
    resumes = {"day": dates.day(bar.resets, "MMMMd")}
    if bar.state is State.STOPPED:
        yield Todo(
            "bad",
            "stop",
            _stopped(bar),
            gettext("Raise it to resume within 5 seconds, or wait: usage resumes on %(day)s.") % resumes,
            url,
            gettext("Decide about the limit"),
        )
    elif bar.state is State.REACHED:
        yield Todo(
            "warn",
            "warn",
            gettext("Your usage is above your limit"),
            gettext("You chose to be told, so usage goes on and keeps costing."),
            url,
            gettext("Decide about the limit"),
        )
    elif bar.crossing is not None:
        yield _pace(bar, resumes, url)


def _stopped(bar: LimitBar) -> str:
    if bar.reached_at is None:
        return gettext("Stopped at your limit")
    return gettext("Stopped at your limit at %(time)s") % {"time": dates.time(bar.reached_at)}


def _meters(meters: Sequence[LimitStanding]) -> Iterator[Todo]:
    """Limits on one meter that are reached."""
    for one in meters:
        if one.meter is None or one.state not in (State.STOPPED, State.REACHED):
            continue
        stopped = one.state is State.STOPPED
        title = (
            gettext("%(name)s is stopped at its own limit")
            if stopped
            else gettext("%(name)s is above its own limit")
        )
        text = (
            gettext("Raise it to resume within 5 seconds. The other meters go on.")
            if stopped
            else gettext("You chose to be told, so usage goes on and keeps costing.")
        )
        yield Todo(
            "bad" if stopped else "warn",
            "stop" if stopped else "warn",
            title % {"name": formats.text_of(one.meter.name)},
            text,
            f"{reverse('portal:limits')}?{urlencode({'meter': one.meter.code})}",
            gettext("Decide about the limit"),
        )


def _mails(bar: LimitBar | None) -> Iterator[Todo]:
    """An alert of this period that somebody could not be sent."""
    if bar is not None and bar.failed:
        yield Todo(
            "bad",
            "bad",
            gettext("An alert could not be mailed"),
            bar.failed,
            f"{reverse('portal:limits')}#al",
            gettext("See the alerts"),
        )


def _pace(bar: LimitBar, resumes: dict[str, str], url: str) -> Todo:
    when = {"day": dates.day(bar.crossing or bar.resets, "MMMMd")}
    if bar.stops:
        title = gettext("Usage stops around %(day)s") % when
        text = (
            gettext("Raise the limit before then to keep running, or leave it: usage resumes on %(day)s.")
            % resumes
        )
    else:
        title = gettext("Your limit is reached around %(day)s") % when
        text = gettext("You chose to be told: usage will go on and keep costing.")
    return Todo("warn", "clock", title, text, url, gettext("Decide about the limit"))


def _unusual(figures: PeriodFigures) -> Iterator[Todo]:
    complete = figures.begun - 1 if figures.running else figures.begun
    totals = dict(zip(figures.days[:complete], figures.day_totals, strict=False))
    if len(totals) < MIN_DAYS:
        return
    day = max(totals, key=lambda one: totals[one])
    alike = [cost for one, cost in totals.items() if _weekend(one) == _weekend(day) and one != day]
    usual = median(alike) if len(alike) >= MIN_DAYS - 1 else Decimal(0)
    if usual <= 0 or totals[day] < usual * UNUSUAL:
        return
    times = formats.number((totals[day] / usual).quantize(Decimal("0.1")), 1)
    kind = gettext("weekend day") if _weekend(day) else gettext("weekday")
    yield Todo(
        "info",
        "info",
        gettext("%(day)s cost %(amount)s")
        % {"day": dates.day(day, "MMMMd"), "amount": formats.money(totals[day], figures.currency)},
        gettext("About %(times)s times a usual %(kind)s.") % {"times": times, "kind": kind},
        f"{reverse('portal:usage')}?from={day.isoformat()}&to={day.isoformat()}",
        gettext("See %(day)s") % {"day": dates.day(day, "MMMMd")},
    )


def _weekend(day: date) -> bool:
    return day.weekday() >= 5
