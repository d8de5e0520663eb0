"""What Stripe is asked for, and what it says it received."""

from decimal import Decimal

import pytest

from billing.payments.providers.amounts import from_stripe, to_stripe
from billing.pricing.currencies import MINOR_UNITS


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("93.54", "EUR", 9354),
        ("0.01", "USD", 1),
        ("1100", "JPY", 1100),
        ("5", "ISK", 500),
        ("5", "UGX", 500),
        ("1.230", "KWD", 1230),
        ("1.234", "KWD", None),
        ("5", "MGA", 5),
        ("5.20", "MGA", None),
        ("99999999999.99", "EUR", 9999999999999),
    ],
)
def test_known_amounts(amount: str, currency: str, expected: int | None) -> None:
    assert to_stripe(Decimal(amount), currency) == expected
    if expected is not None:
        assert from_stripe(expected, currency) == Decimal(amount)


def test_every_currency_there_and_back() -> None:
    for currency in MINOR_UNITS:
        found = to_stripe(Decimal(120), currency)
        assert found is not None
        assert from_stripe(found, currency) == 120
