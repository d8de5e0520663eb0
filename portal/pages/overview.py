"""The overview: what this period costs so far, where it is heading, what needs a decision."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.utils.translation import gettext

from accounts.models import Account
from billing.limits.queries import State, standing
from billing.plans.models import Meter, Period
from billing.pricing.forecast import Forecast
from billing.usage.queries import latest_arrival
from portal import dates, formats
from portal.charts import Limit, Spark, TotalChart, css_of, running_total, spark
from portal.pages import forecasts, todos
from portal.pages.coupons import any_left, coupon_rows
from portal.pages.figures import ZERO, ChargeFigures, PeriodFigures, period_figures
from portal.pages.invoices import InvoiceCard, last_invoice
from portal.pages.limit_bar import LimitBar, limit_bar
from portal.pages.periods import PeriodChoice, choices, chosen_period
from portal.pages.todos import Todo

OTHER_ROWS: Final = 5


@dataclass(frozen=True, slots=True)
class MeterRow:
    figures: ChargeFigures
    css: str
    spark: Spark
    used: str
    unit: str
    change: str


@dataclass(frozen=True, slots=True)
class DayRow:
    day: date
    cells: tuple[Decimal, ...]
    total: Decimal
    partial: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the page shows. `as_of` is the arrival of the newest event, or now; figures are counted to
    it."""

    figures: PeriodFigures
    currency: str
    as_of: datetime
    periods: Sequence[PeriodChoice]
    forecast: Forecast | None
    range: forecasts.Range | None
    has_coupon: bool
    bar: LimitBar | None
    todos: Sequence[Todo]
    chart: TotalChart
    series: Sequence[object]
    rows: Sequence[DayRow]
    meters: Sequence[MeterRow]
    change: str
    highest: tuple[date, Decimal] | None
    invoice: InvoiceCard | None
    first_event: str

    @property
    def next_invoice_on(self) -> date | None:
        """The day after the running period; None while a closed one is looked at."""
        return self.period.end_day if self.figures.running else None

    @property
    def days_label(self) -> str:
        """The days that have figures: "1–19 Nov"."""
        return dates.span(self.figures.first_day, self.figures.today, "MMMd")

    @property
    def todo_title(self) -> str:
        titles = (
            gettext("Nothing needs you now"),
            gettext("One thing to look at"),
            gettext("Two things to look at"),
            gettext("Three things to look at"),
        )
        return titles[len(self.todos)]

    @property
    def total(self) -> Decimal:
        return self.figures.total

    @property
    def period(self) -> Period:
        return self.figures.period

    @property
    def empty(self) -> bool:
        """Nothing used yet in the running period."""
        return self.figures.running and not any_used(self.figures)

    @property
    def state(self) -> str:
        """What a screen reader is told when it changes: the state of the limit, never every figure."""
        if self.bar is None:
            return "none"
        told = max((at for at in self.bar.limit.thresholds if self.bar.share * 100 >= at), default=0)
        return f"{self.bar.state}-{told}"


def overview(account: Account, at: datetime, period_day: str = "") -> Overview | None:
    """The page for the running period, or the one whose first day is `period_day`; None without any."""
    period = chosen_period(account, at, period_day)
    if period is None:
        return None
    figures = period_figures(account, period, at)
    found = forecasts.period_forecast(account, figures)
    limits = standing(account, at, figures.rated) if figures.running else None
    limit = limits.account if limits else None
    crossing = forecasts.crossing(found, figures, limit.amount) if limit else None
    bar = limit_bar(limit, period, figures.currency, crossing and crossing[1])
    invoice = last_invoice(account, at)
    series = figures.series(gettext("Other"))
    return Overview(
        figures=figures,
        currency=figures.currency,
        as_of=min(latest_arrival(account) or at, at) if not figures.running else at,
        periods=choices(account, period),
        forecast=found,
        range=forecasts.rounded_range(found) if found and found.high > figures.total else None,
        has_coupon=any_left(coupon_rows(account, at)),
        bar=bar,
        todos=todos.todos(figures, bar, limits.meters if limits else (), invoice, at),
        chart=_chart(figures, found, bar, crossing),
        series=series,
        rows=[
            DayRow(
                day,
                tuple(one.values[number] for one in series),
                sum((one.values[number] for one in series), ZERO),
                figures.running and number == figures.begun - 1,
            )
            for number, day in enumerate(figures.days[: figures.begun])
        ],
        meters=_meters(figures, {one.code: one.css for one in series}),
        change=_change(figures),
        highest=_highest(figures),
        invoice=invoice,
        first_event=_first_event(account, figures),
    )


def _first_event(account: Account, figures: PeriodFigures) -> str:
    """A request that a new customer can send as it stands, for the first meter of the plan."""
    charge = next(iter(figures.plan.charges), None)
    meter = Meter.objects.filter(code=charge.meter).first() if charge and not any_used(figures) else None
    if meter is None:
        return ""
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/first",
        "type": meter.event_type,
        "subject": account.code,
        "data": {meter.value: 1} if meter.value else {},
    }
    body = json.dumps(event, indent=1).replace("'", "'\\''")
    return (
        f'curl {settings.SITE_URL}/api/v1/events \\\n  -H "Authorization: Bearer $KEY" \\\n'
        f"  -H \"Content-Type: application/cloudevents+json\" \\\n  -d '{body}'"
    )


def any_used(figures: PeriodFigures) -> bool:
    return any(one.used for one in figures.charges)


def _chart(
    figures: PeriodFigures, found: Forecast | None, bar: LimitBar | None, crossing: tuple[float, date] | None
) -> TotalChart:
    currency = figures.currency
    limit = None
    if bar is not None:
        limit = Limit(
            bar.amount,
            gettext("Limit %(amount)s") % {"amount": formats.money(bar.amount, currency)},
            gettext("usage stops here") if bar.stops else gettext("we tell you here"),
            (crossing[0], dates.day(crossing[1], "MMMd")) if crossing else None,
        )
    band = forecasts.rounded_range(found) if found else None
    stopping = bar is not None and bar.stops and (crossing is not None or bar.state is State.STOPPED)
    end = formats.money_range(band.low, band.high, currency) if band else ""
    return running_total(
        figures.series(gettext("Other")),
        figures.days,
        figures.position,
        forecast=forecasts.points(found, figures),
        end_text=(end, gettext("without a limit") if stopping else gettext("expected")),
        limit=limit,
        axis=lambda value: formats.money_short(value, currency),
        exact=lambda value: formats.money(value, currency),
        day=lambda value: dates.day(value, "MMMd"),
    )


def _meters(figures: PeriodFigures, css: dict[str, str]) -> list[MeterRow]:
    return [
        MeterRow(
            figures=one,
            css=css.get(one.code, css_of(OTHER_ROWS)),
            spark=spark(one.days, css.get(one.code, css_of(OTHER_ROWS))),
            used=formats.quantity(one.used),
            unit=formats.plural(one.unit, one.used),
            change=formats.percent_change(one.cost, one.before) if one.before is not None else formats.DASH,
        )
        for one in figures.charges
    ]


def _change(figures: PeriodFigures) -> str:
    if figures.before_total is None:
        return formats.DASH
    return formats.percent_change(figures.total, figures.before_total)


def _highest(figures: PeriodFigures) -> tuple[date, Decimal] | None:
    totals = figures.day_totals
    top = max(totals, default=ZERO)
    return (figures.days[totals.index(top)], top) if top > 0 else None
