"""The minimum spend of a period: what is missing to it, by the days of each plan version."""

from decimal import Decimal
from fractions import Fraction

import pytest

from billing.pricing.minimums import MissingSpend, missing_spend

D = Decimal
WHOLE = Fraction(1)


def missing(reached: str, *parts: tuple[str, Fraction], currency: str = "EUR") -> MissingSpend | None:
    return missing_spend([(D(minimum), share) for minimum, share in parts], D(reached), currency)


@pytest.mark.parametrize("reached", ["100.00", "100.01", "250.00"])
def test_nothing_is_missing_to_a_minimum_that_is_reached(reached: str) -> None:
    assert missing(reached, ("100", WHOLE)) is None


def test_what_is_missing_is_the_rounded_minimum_less_what_is_reached() -> None:
    assert missing("99.99", ("100", WHOLE)) == MissingSpend(D("100.00"), D("0.01"), D("0.01"))
    third = missing("20.00", ("100", Fraction(1, 3)))
    assert third == MissingSpend(D("33.33"), D("13.33"), D("13.333333333333"))


def test_each_version_asks_for_its_days() -> None:
    parts = ("90", Fraction(1, 3)), ("30", Fraction(2, 3))
    assert missing("0.00", *parts) == MissingSpend(D("50.00"), D("50.00"), D(50))
    halves = ("0.01", Fraction(1, 2)), ("0.01", Fraction(1, 2))
    assert missing("0.00", *halves) == MissingSpend(D("0.01"), D("0.01"), D("0.01"))


def test_without_a_minimum_nothing_is_missing() -> None:
    assert missing("0.00") is None
    assert missing("-5.00", ("0", WHOLE)) is None
    assert missing("-5.00", ("10", WHOLE)) == MissingSpend(D("10.00"), D("15.00"), D(15))


def test_no_digit_is_lost_beyond_the_default_28() -> None:
    huge = D("1E40")
    found = missing("0.01", ("1E40", WHOLE))
    assert found is not None
    assert (found.minimum, found.amount) == (huge, Fraction(huge) - Fraction(1, 100))
