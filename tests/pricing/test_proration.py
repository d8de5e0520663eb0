"""Base prices by days: literal figures, and plan changes that never bill a day twice or leave one out."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.money import minor_units, round_fraction
from billing.pricing.periods import Anchor, Period, anchor_for, close_before, period_at
from billing.pricing.proration import (
    base_line,
    cancel_line,
    change_lines,
    interval_change_lines,
    period_share,
    prorate,
    share,
)

D = Decimal
MARCH = period_at(Anchor(date(2026, 3, 1), "month", "Europe/Paris"), 0)
FEBRUARY = period_at(Anchor(date(2026, 2, 1), "month", "Europe/Paris"), 0)

prices = st.decimals(0, 100_000, places=2)
currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF"])


def cut_march(start: str) -> Period:
    instant = datetime.fromisoformat(start)
    return period_at(anchor_for(instant, "month", "Europe/Paris", "calendar"), 0, instant)


def test_a_whole_period_costs_the_price() -> None:
    line = base_line(D("49.00"), MARCH, "EUR")
    assert (line.kind, line.amount, line.days, line.full_days) == ("base", D("49.00"), 31, 31)
    assert (line.first_day, line.end_day, line.price) == (date(2026, 3, 1), date(2026, 4, 1), D("49.00"))


def test_a_period_cut_by_the_calendar_anchor_costs_its_days() -> None:
    line = base_line(D("49.00"), cut_march("2026-03-12T09:00+01:00"), "EUR")
    assert (line.kind, line.days, line.full_days) == ("base", 20, 31)
    assert line.amount == D("31.61")
    assert line.exact_amount == D("31.612903225806")


def test_a_change_gives_back_the_old_days_and_charges_the_new_ones() -> None:
    back, charged = change_lines(D("49"), D("149"), date(2026, 2, 15), FEBRUARY, "EUR")
    assert (back.kind, back.amount, back.exact_amount) == ("proration", D("-24.50"), D("-24.500000000000"))
    assert (charged.kind, charged.amount, charged.days) == ("proration", D("74.50"), 14)
    assert (charged.first_day, charged.end_day) == (date(2026, 2, 15), date(2026, 3, 1))


def test_half_a_cent_goes_away_from_zero_both_ways() -> None:
    back, charged = change_lines(D("0.01"), D("0.01"), date(2026, 2, 15), FEBRUARY, "EUR")
    assert (back.amount, charged.amount) == (D("-0.01"), D("0.01"))


def test_a_change_on_the_first_day_gives_back_everything() -> None:
    period = cut_march("2026-03-12T09:00+01:00")
    back, charged = change_lines(D("49"), D("19"), date(2026, 3, 12), period, "EUR")
    assert back.amount == -base_line(D("49"), period, "EUR").amount == D("-31.61")
    assert charged.amount == D("12.26")


def test_currencies_without_and_with_three_digits() -> None:
    assert change_lines(D(5000), D(9000), date(2026, 3, 11), MARCH, "JPY")[1].amount == D(6097)
    assert change_lines(D("5"), D("9"), date(2026, 3, 11), MARCH, "KWD")[1].amount == D("6.097")


def test_a_change_of_interval_charges_the_new_base_whole() -> None:
    year = period_at(
        Anchor(date(2026, 3, 11), "year", "Europe/Paris"), 0, close_before(MARCH, date(2026, 3, 11)).end
    )
    back, base = interval_change_lines(D("49"), D("490"), MARCH, year, "EUR")
    assert (back.kind, back.amount, back.days) == ("proration", D("-33.19"), 21)
    assert (base.kind, base.amount, base.days) == ("base", D("490.00"), 365)


def test_cancelling_uses_the_day_itself() -> None:
    line = cancel_line(D("49"), date(2026, 3, 10), MARCH, "EUR")
    assert (line.kind, line.amount, line.days) == ("proration", D("-33.19"), 21)
    assert (line.first_day, line.end_day) == (date(2026, 3, 11), date(2026, 4, 1))
    last = cancel_line(D("49"), date(2026, 3, 31), MARCH, "EUR")
    assert (last.amount, last.days) == (D("0.00"), 0)
    assert not last.amount.is_signed()


@pytest.mark.parametrize("day", [date(2026, 2, 28), date(2026, 4, 1)])
def test_a_day_outside_the_period_is_refused(day: date) -> None:
    with pytest.raises(ValueError, match="not a day of the period"):
        change_lines(D(1), D(2), day, MARCH, "EUR")
    with pytest.raises(ValueError, match="not a day of the period"):
        interval_change_lines(D(1), D(2), MARCH, period_at(Anchor(day, "week", "UTC"), 0), "EUR")
    with pytest.raises(ValueError, match="not a day of the period"):
        cancel_line(D(1), day, MARCH, "EUR")


def test_shares() -> None:
    assert share(20, 31) == Fraction(20, 31)
    assert share(0, 31) == 0
    assert period_share(MARCH) == 1
    assert period_share(cut_march("2026-03-31T23:59+02:00")) == Fraction(1, 31)
    assert prorate(D("100"), Fraction(1, 3), "EUR") == D("33.33")
    assert prorate(D("0.01"), Fraction(1, 2), "EUR") == D("0.01")
    for days, full in ((-1, 31), (32, 31), (0, 0)):
        with pytest.raises(ValueError, match="no share"):
            share(days, full)


@given(st.lists(st.tuples(st.integers(0, 27), prices), max_size=8), st.integers(0, 27), prices, currencies)
def test_changes_bill_every_day_once_and_never_refund_more_than_was_charged(
    changes: list[tuple[int, Decimal]], start: int, price: Decimal, currency: str
) -> None:
    first = date(2026, 3, 1) + timedelta(days=start)
    period = cut_march(f"{first.isoformat()}T08:00+00:00")
    lines = [base_line(price, period, currency)]
    steps = sorted(((max(n, start), p) for n, p in changes), key=lambda step: step[0])
    days_of: list[tuple[Decimal, date]] = [(price, first)]
    for n, new_price in steps:
        day = date(2026, 3, 1) + timedelta(days=n)
        back, charged = change_lines(price, new_price, day, period, currency)
        assert 0 <= -back.amount <= lines[-1].amount
        lines += [back, charged]
        price = new_price
        days_of.append((price, day))

    # Every day is billed once, to the plan that held it, counted day by day.
    unit = Fraction(1, 10 ** minor_units(currency))
    exact = Fraction(0)
    for n in range(start, 31):
        holder = next(p for p, day in reversed(days_of) if day <= date(2026, 3, 1) + timedelta(days=n))
        exact += Fraction(holder) / 31
    assert sum(line.exact for line in lines) == exact
    total = sum(Fraction(line.amount) for line in lines)
    assert total >= 0
    assert abs(total - exact) <= unit * len(days_of)
    # Each plan's own two lines are within one minor unit of its days.
    for place, line in enumerate(lines[0::2]):
        back_amount = Fraction(lines[2 * place + 1].amount) if 2 * place + 1 < len(lines) else Fraction(0)
        back_exact = lines[2 * place + 1].exact if 2 * place + 1 < len(lines) else Fraction(0)
        assert abs(Fraction(line.amount) + back_amount - line.exact - back_exact) <= unit


@given(prices, st.lists(st.integers(1, 31), max_size=8), currencies)
def test_changing_between_equal_prices_changes_nothing(
    price: Decimal, changes: list[int], currency: str
) -> None:
    total = base_line(price, MARCH, currency).amount
    for n in sorted(changes):
        total += sum(line.amount for line in change_lines(price, price, date(2026, 3, n), MARCH, currency))
    assert total == round_fraction(Fraction(price), currency)


@given(prices, st.integers(1, 31), st.integers(1, 31), currencies)
def test_cancelling_after_a_change_never_gives_back_more_than_was_charged(
    price: Decimal, changed: int, cancelled: int, currency: str
) -> None:
    day = date(2026, 3, min(changed, cancelled))
    charged = change_lines(D(0), price, day, MARCH, currency)[1]
    back = cancel_line(price, date(2026, 3, max(changed, cancelled)), MARCH, currency)
    assert 0 <= -back.amount <= charged.amount
