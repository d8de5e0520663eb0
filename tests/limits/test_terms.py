"""What may be set as a limit, and what is refused with which word."""

from decimal import Decimal
from typing import Any

import pytest

from billing.limits.errors import LimitError
from billing.limits.terms import Terms, read_terms


def refused(
    amount: Any = "1", action: Any = "stop", thresholds: Any = (80,), currency: str = "EUR"
) -> tuple[str, str]:
    with pytest.raises(LimitError) as caught:
        read_terms(amount, action, thresholds, currency)
    assert caught.value.sentence.endswith("."), "a sentence"
    return caught.value.field, caught.value.code


@pytest.mark.parametrize("amount", ["500", "500.00", 500, Decimal("500.000"), Decimal("5E2")])
def test_an_amount_is_read_however_it_is_written(amount: Any) -> None:
    assert read_terms(amount, "stop", [100, 50], "EUR") == Terms(Decimal(500), "stop", (50, 100))


def test_nothing_is_no_limit_and_zero_is_one() -> None:
    assert read_terms(None, "notify", [], "EUR").amount is None
    assert read_terms("0", "notify", [], "EUR").amount == 0
    assert read_terms("-0", "notify", [], "EUR").amount == 0


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("-0.01", "negative"),
        ("1.001", "too_fine"),
        ("1000000000000000", "too_large"),
        (Decimal("1E+999999"), "invalid"),
        ("1e3", "invalid"),
        ("", "invalid"),
        (" 5", "invalid"),
        ("5,00", "invalid"),
        ("٥", "invalid"),
        (5.0, "invalid"),
        (True, "invalid"),
        (Decimal("NaN"), "invalid"),
        (Decimal("Infinity"), "invalid"),
        ([], "invalid"),
        ({}, "invalid"),
    ],
)
def test_an_amount_that_cannot_be(amount: Any, code: str) -> None:
    assert refused(amount=amount) == ("amount", code)


def test_an_amount_has_the_digits_of_its_currency() -> None:
    assert read_terms("500", "stop", [], "JPY").amount == 500
    assert refused(amount="500.5", currency="JPY") == ("amount", "too_fine")
    assert read_terms("0.001", "stop", [], "KWD").amount == Decimal("0.001")


@pytest.mark.parametrize("action", ["", "STOP", None, 1, [], "halt"])
def test_an_action_that_is_none(action: Any) -> None:
    assert refused(action=action) == ("action", "invalid")


@pytest.mark.parametrize(
    ("thresholds", "code"),
    [
        ([0], "invalid"),
        ([-1], "invalid"),
        ([1001], "invalid"),
        (["80"], "invalid"),
        ([80.0], "invalid"),
        ([True], "invalid"),
        ([None], "invalid"),
        ([Decimal("NaN")], "invalid"),
        ([Decimal("1E+999999")], "invalid"),
        ([Decimal("80.5")], "invalid"),
        ("80", "invalid"),
        (80, "invalid"),
        (None, "invalid"),
        ([80, 80], "duplicate"),
        (list(range(1, 12)), "too_many"),
    ],
)
def test_thresholds_that_cannot_be(thresholds: Any, code: str) -> None:
    assert refused(thresholds=thresholds) == ("thresholds", code)


def test_thresholds_at_their_bounds() -> None:
    assert read_terms("1", "stop", [1000, 1, Decimal(80)], "EUR").thresholds == (1, 80, 1000)
    assert read_terms("1", "stop", [], "EUR").thresholds == ()
