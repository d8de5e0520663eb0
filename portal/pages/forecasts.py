"""The forecast of a running period, as pages and the API show it: one history, one function."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from accounts.models import Account
from billing.pricing.forecast import Forecast, forecast
from billing.usage.hours import passed_today
from billing.usage.rating import daily_costs
from portal.charts import ForecastPoint
from portal.pages.figures import PeriodFigures
from portal.pages.periods import period_holding

# Amounts in sentences are whole and rounded outwards: a forecast to the cent would claim what nobody knows.
_STEPS = (Decimal(1), Decimal(5), Decimal(10), Decimal(50), Decimal(100), Decimal(500), Decimal(1000))


@dataclass(frozen=True, slots=True)
class Range:
    """Where the period will end in 80 of 100 cases, rounded outwards for a sentence."""

    low: Decimal
    high: Decimal


def period_forecast(account: Account, figures: PeriodFigures) -> Forecast | None:
    """From the days of this period and the one before; None in the first days, in a trial and after the
    end."""
    if not figures.running or figures.period.trial:
        return None
    history = list(zip(figures.days[: figures.begun - 1], figures.day_totals, strict=False))
    previous = period_holding(account, figures.period.start - timedelta(microseconds=1))
    if previous is not None and previous.pk != figures.period.pk and not previous.trial:
        history += [
            (day, sum(costs.values(), Decimal(0))) for day, costs in daily_costs(previous, previous.end)
        ]
    passed = passed_today(account.pk, figures.today, figures.until, figures.period.timezone)
    return forecast(
        history,
        spent=figures.total,
        today=figures.today,
        today_fraction=passed.share,
        today_variance=passed.variance,
        end_day=figures.period.end_day,
        currency=figures.currency,
    )


def rounded_range(found: Forecast) -> Range:
    """Low and high on a scale of about a hundredth of the amount; the same figure twice is one step apart."""
    step = max((one for one in _STEPS if one * 20 <= found.high), default=Decimal(1))
    low = (found.low // step) * step
    high = -((-found.high) // step) * step
    return Range(low, high if high > low else low + step)


def points(found: Forecast | None, figures: PeriodFigures) -> Sequence[ForecastPoint]:
    """The bands as points of the running total, beginning at now."""
    if found is None:
        return ()
    start = ForecastPoint(figures.position, *([figures.total] * 5))
    return (
        start,
        *(
            ForecastPoint(
                (band.day - figures.first_day).days + 1.0,
                band.low95,
                band.low80,
                band.mid,
                band.high80,
                band.high95,
            )
            for band in found.bands
        ),
    )


def crossing(found: Forecast | None, figures: PeriodFigures, limit: Decimal) -> tuple[float, date] | None:
    """When the expected total meets `limit`: days after the start, and the day; None: not in this period."""
    if found is None or figures.total >= limit:
        return None
    x, reached = figures.position, figures.total
    for point, band in zip(points(found, figures)[1:], found.bands, strict=True):
        if band.mid >= limit:
            rise = band.mid - reached
            part = float((limit - reached) / rise) if rise else 1.0
            return x + (point.x - x) * part, band.day
        x, reached = point.x, band.mid
    return None
