"""What the pure functions say when they refuse: the whole sentence, with the values that were wrong."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from billing.pricing.clamp import LimitVersion, payable
from billing.pricing.currencies import minor_units
from billing.pricing.dates import local_date
from billing.pricing.discounts import Coupon
from billing.pricing.forecast import forecast
from billing.pricing.money import Money, plain
from billing.pricing.periods import Anchor, close_at, close_before, period_at, period_containing
from billing.pricing.proration import change_lines, share
from billing.pricing.rate import rate
from billing.pricing.taxes import NOT_TAXED
from billing.pricing.totals import TaxedLine, totals
from tests.pricing.samples import END, START, plan, span

D = Decimal
JANUARY = Anchor(date(2026, 1, 1), "month", "UTC")
PERIOD = period_at(JANUARY, 0)
BEFORE, FEBRUARY = START - timedelta(days=40), datetime(2026, 2, 1, tzinfo=UTC)


def limit(day):
    return LimitVersion(START + timedelta(days=day), None, "stop")


def ahead(fraction, today, end_day):
    return forecast([], spent=D(0), today=today, today_fraction=D(fraction), end_day=end_day, currency="EUR")


def in_two_currencies():
    return rate([span(plan(currency=currency), None, None) for currency in ("EUR", "USD")])


REFUSALS = [
    (lambda: minor_units("xyz"), "'xyz' is not an active ISO 4217 currency that can be billed in"),
    (lambda: plain(D("NaN")), "NaN is not a finite number"),
    (lambda: Money(D("Infinity"), "EUR"), "Infinity is not an amount of money"),
    (lambda: Money(D(1), "EUR") + Money(D(1), "USD"), "cannot add USD to EUR: convert it first"),
    (lambda: payable([limit(2), limit(1)], D(1)), "versions of a limit must be in order of time"),
    (lambda: local_date(datetime(2026, 1, 1), "UTC"), "an instant needs an offset"),
    (lambda: Coupon("C"), "coupon C takes off either a percentage or an amount"),
    (
        lambda: Coupon("C", percent=D("100.1")),
        "coupon C must take off 0 to 100 percent, or an amount from 0",
    ),
    (
        lambda: ahead("1.5", date(2026, 1, 1), date(2026, 2, 1)),
        "cannot forecast from 1.5 of 2026-01-01 to 2026-02-01",
    ),
    (
        lambda: period_at(JANUARY, 0, FEBRUARY),
        "period 0 ends at 2026-02-01T00:00:00+00:00, before the start 2026-02-01T00:00:00+00:00",
    ),
    (
        lambda: period_containing(JANUARY, BEFORE, START),
        "2025-12-23T00:00:00+00:00 is before the start 2026-02-01T00:00:00+00:00",
    ),
    (lambda: close_at(PERIOD, BEFORE), "2025-12-23T00:00:00+00:00 is not inside the period"),
    (lambda: close_before(PERIOD, date(2026, 2, 1)), "2026-02-01 is not a day of the period"),
    (lambda: share(32, 31), "32 of 31 days is no share of a period"),
    (lambda: share(-1, 31), "-1 of 31 days is no share of a period"),
    (lambda: share(0, 0), "0 of 0 days is no share of a period"),
    (
        lambda: change_lines(D(1), D(2), date(2026, 2, 1), PERIOD, "EUR"),
        "2026-02-01 is not a day of the period from 2026-01-01 to 2026-02-01",
    ),
    (in_two_currencies, "one billing period has one currency"),
    (
        lambda: span(plan(), None, None, start=START.replace(tzinfo=None)),
        "a span's instants need an offset",
    ),
    (
        lambda: span(plan(), None, None, start=END, end=START),
        "a span cannot end (2026-02-01 00:00:00+00:00) before it starts (2026-03-01 00:00:00+00:00)",
    ),
    (
        lambda: span(plan(), None, None, share=Fraction(3, 2)),
        "a span is a share of its period between 0 and 1, not 3/2",
    ),
    (lambda: totals([], [], D("-0.01"), "EUR"), "a credit of -0.01 cannot be applied"),
    (
        lambda: totals([TaxedLine(D("0.005"), NOT_TAXED)], [], D(0), "EUR"),
        "0.005 is not in whole minor units of EUR",
    ),
]


@pytest.mark.parametrize(("refused", "sentence"), REFUSALS, ids=range(len(REFUSALS)))
def test_refusals_say_what_was_wrong(refused, sentence):
    with pytest.raises(ValueError) as raised:  # noqa: PT011  # the whole sentence is compared
        refused()
    assert str(raised.value) == sentence
