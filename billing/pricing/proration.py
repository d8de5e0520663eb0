"""Base prices cut by local calendar days, and the two lines of a plan change.

Rule (contract, section 4): share = days used, the first day included, over the days of the full period. A
plan change gives back the old price's unused days and charges the same days of the new one; the day of change
is the new plan's.

Why the rounded lines stay right, however often a period is changed: a line is a function of price and day
alone, R(price, day) = price × days from `day` to the period's end / full days, rounded once. What a plan was
charged is R(price, d) and what it gives back later is R(price, e) with e ≥ d. Rounding keeps order, so

* a refund never exceeds the charge it takes back, and nothing changes hands where no day passed;
* each plan keeps R(price, d) - R(price, e): within one minor unit of its exact share, however many changes
  follow, because the charge of the next plan is never computed from rounded remains;
* between equal prices the two lines of a change cancel to the cent.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal, Protocol

from billing.pricing.dates import DAY
from billing.pricing.lines import EXACT_PLACES
from billing.pricing.money import round_fraction, round_fraction_places


class Days(Protocol):
    """What proration reads of a period: a `Period`, or a stored row with the same words."""

    @property
    def first_day(self) -> date: ...
    @property
    def end_day(self) -> date: ...
    @property
    def full_days(self) -> int: ...


@dataclass(frozen=True, slots=True)
class ProratedLine:
    """An amount for the local days [first_day, end_day), `days` of `full_days`; negative: given back.

    `amount` is in minor units, rounded once from `exact`; `price` is that of the full period.
    """

    kind: Literal["base", "proration"]
    price: Decimal
    amount: Decimal
    exact: Fraction
    first_day: date
    end_day: date
    days: int
    full_days: int

    @property
    def exact_amount(self) -> Decimal:
        """`exact` to the 12 decimals that are shown, half up; thirds of a cent have no last one."""
        return round_fraction_places(self.exact, EXACT_PLACES)


def share(days: int, full_days: int) -> Fraction:
    """Days used over the full period's days. ValueError unless 0 <= days <= full_days and there are any."""
    if not 0 <= days <= full_days or not full_days:
        raise ValueError(f"{days} of {full_days} days is no share of a period")
    return Fraction(days, full_days)


def period_share(period: Days) -> Fraction:
    """The share of the full period that `period` spans: 1 unless it is cut."""
    return share((period.end_day - period.first_day).days, period.full_days)


def prorate(amount: Decimal, part: Fraction, currency: str) -> Decimal:
    """`amount` × `part` in minor units, rounded once, half up: base prices and minimum spends."""
    return round_fraction(Fraction(amount) * part, currency)


def base_line(price: Decimal, period: Days, currency: str) -> ProratedLine:
    """The base price of a period, prorated if the period is cut."""
    return _line("base", price, period.first_day, period, currency)


def change_lines(
    old_price: Decimal, new_price: Decimal, day: date, period: Days, currency: str
) -> tuple[ProratedLine, ProratedLine]:
    """(old days back, new days charged) for a plan change on `day`; both also when they are zero.

    ValueError for a day outside the period: at its end there is nothing to prorate.
    """
    _check(day, period)
    return (
        _line("proration", -old_price, day, period, currency),
        _line("proration", new_price, day, period, currency),
    )


def interval_change_lines(
    old_price: Decimal, new_price: Decimal, old: Days, new: Days, currency: str
) -> tuple[ProratedLine, ProratedLine]:
    """(old period's days back, new base) for a change to another interval on the new period's first day.

    `old` is the period before it is closed. ValueError if `new` does not begin inside it.
    """
    _check(new.first_day, old)
    return _line("proration", -old_price, new.first_day, old, currency), base_line(new_price, new, currency)


def cancel_line(price: Decimal, day: date, period: Days, currency: str) -> ProratedLine:
    """The unused days given back by a cancellation on `day`, which counts as used.

    On the last day that is an amount of 0 for 0 days. `period` is the one that was charged, before it is
    closed. ValueError for a day outside it.
    """
    _check(day, period)
    return _line("proration", -price, day + DAY, period, currency)


def _check(day: date, period: Days) -> None:
    if not period.first_day <= day < period.end_day:
        raise ValueError(f"{day} is not a day of the period from {period.first_day} to {period.end_day}")


def _line(
    kind: Literal["base", "proration"], price: Decimal, day: date, period: Days, currency: str
) -> ProratedLine:
    days = (period.end_day - day).days
    amount = Fraction(price) * share(days, period.full_days)
    return ProratedLine(
        kind,
        price,
        round_fraction(amount, currency),
        amount,
        day,
        period.end_day,
        days,
        period.full_days,
    )
