from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils import timezone, translation

from portal import dates, formats

NARROW, NBSP, MINUS = "\u202f", "\u00a0", "\u2212"


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "text"),
    [
        ("1234.5", "EUR", "en", "€1,234.50"),
        ("1234.5", "EUR", "fr", f"1{NARROW}234,50{NBSP}€"),
        ("1234.5", "EUR", "fr-ca", f"1{NBSP}234,50{NBSP}€"),
        ("-1.84", "EUR", "en", f"{MINUS}€1.84"),
        ("-1.84", "EUR", "fr", f"{MINUS}1,84{NBSP}€"),
        ("0.005", "EUR", "en", "€0.01"),
        ("1234.5", "JPY", "en", "JP¥1,235"),
        ("1.2345", "KWD", "en", "KWD\u00a01.235"),
        ("1", "USD", "en-us", "$1.00"),
        ("1", "EUR", "no such language", "€1.00"),
        ("12345678901234567890123456.78", "EUR", "en", "€12,345,678,901,234,567,890,123,456.78"),
    ],
)
def test_money_has_the_digits_of_iso_and_the_marks_of_the_language(amount, currency, locale, text):
    assert formats.money(Decimal(amount), currency, locale) == text


def test_minus_nothing_is_nothing():
    assert formats.money(Decimal("-0.001"), "EUR", "en") == "€0.00"
    assert formats.money_signed(Decimal("0.001"), "EUR", "en") == "€0.00"
    assert formats.money_signed(Decimal("334.83"), "EUR", "en") == "+€334.83"


@pytest.mark.parametrize(
    ("price", "text"),
    [
        ("0.0000025", f"€0.000{NARROW}002{NARROW}5"),
        ("0.12", "€0.12"),
        ("0.085", "€0.085"),
        ("12", "€12.00"),
        ("0", "€0.00"),
        ("0.000000000001", f"€0.000{NARROW}000{NARROW}000{NARROW}001"),
    ],
)
def test_a_unit_price_keeps_every_digit_it_has(price, text):
    assert formats.unit_price(Decimal(price), "EUR", "en") == text


def test_tiny_prices_are_read_per_million():
    with translation.override("en"):
        assert formats.price_per(Decimal("0.0000025"), "EUR", "token") == "€2.50 per million tokens"
        assert formats.price_per(Decimal("0.12"), "EUR", "GB-month") == "€0.12 per GB-month"
    with translation.override("fr"):
        assert formats.price_per(Decimal("0.0000025"), "EUR", "jeton") == f"2,50{NBSP}€ le million"


def test_exact_amounts_share_one_width():
    assert formats.money_exact(Decimal("190"), "EUR", 6, "en") == f"€190.000{NARROW}000"
    assert formats.money_exact(Decimal("35.574976"), "EUR", None, "en") == f"€35.574{NARROW}976"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        ("0.8256", "82.6"),
        ("0.996", "99.6"),
        ("0.99999", "99.9"),
        ("1", "100"),
        ("0.8", "80"),
        ("1.234", "123.4"),
    ],
)
def test_a_percent_is_never_rounded_up_to_the_whole(share, text):
    assert formats.percent(Decimal(share), locale="en") == f"{text}{NARROW}%"


def test_the_percent_sign_stands_off_as_the_language_wants():
    assert formats.percent(Decimal("0.826"), locale="fr") == f"82,6{NBSP}%"


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        ("194", "100", f"+94{NARROW}%"),
        ("97", "100", f"{MINUS}3{NARROW}%"),
        ("1", "0", "new"),
        ("0", "0", "–"),
    ],
)
def test_change_against_before(now, before, text):
    with translation.override("en"):
        assert formats.percent_change(Decimal(now), Decimal(before)) == text


@pytest.mark.parametrize(
    ("unit", "amount", "locale", "text"),
    [
        ("token", "2", "en", "tokens"),
        ("token", "1", "en", "token"),
        ("token", "0", "en", "tokens"),
        ("GB-month", "0.5", "en", "GB-months"),
        ("kWh", "2", "en", "kWh"),
        ("query", "2", "en", "queries"),
        ("day", "31", "en", "days"),
        ("min", "2", "en", "min"),
        ("jeton", "1.5", "fr", "jeton"),
        ("jeton", "2", "fr", "jetons"),
        ("Go-mois", "2", "fr", "Go-mois"),
        ("signal", "2", "fr", "signaux"),
        ("niveau", "2", "fr", "niveaux"),
        ("", "2", "en", ""),
    ],
)
def test_units_follow_the_amount(unit, amount, locale, text):
    assert formats.plural(unit, Decimal(amount), locale) == text


def test_quantities_keep_every_digit_up_to_a_thousand_million():
    with translation.override("en"):
        assert formats.quantity(Decimal("22361870")) == "22,361,870"
        assert formats.quantity(Decimal("402.0314")) == "402.031"
        assert formats.quantity(Decimal("4521123456")) == "4,521.123 million"


@pytest.mark.parametrize(
    ("locale", "form", "first", "later"),
    [
        ("en", "yMMMd", "1\u00a0Nov 2026", "19\u00a0Nov 2026"),
        ("fr", "yMMMd", "1er\u00a0nov. 2026", "19\u00a0nov. 2026"),
        ("fr", "EMMMd", "dim. 1er\u00a0nov.", "jeu. 19\u00a0nov."),
        ("en-us", "yMMMd", "Nov 1, 2026", "Nov 19, 2026"),
        ("en", "MMMMd", "1\u00a0November", "19\u00a0November"),
    ],
)
def test_days_are_written_as_the_language_wants(locale, form, first, later):
    assert dates.day(date(2026, 11, 1), form, locale) == first
    assert dates.day(date(2026, 11, 19), form, locale) == later


def test_the_first_of_a_month_is_raised_in_french():
    assert dates.day_html(date(2026, 11, 1), locale="fr") == "1<sup>er</sup>\u00a0novembre"
    assert dates.day_html(date(2026, 11, 21), locale="fr") == "21\u00a0novembre"


def test_ranges_show_both_ends():
    assert dates.span(date(2026, 11, 1), date(2026, 11, 30), locale="en") == "1–30\u00a0Nov 2026"
    assert dates.span(date(2026, 10, 28), date(2026, 11, 3), locale="en") == "28\u00a0Oct – 3\u00a0Nov 2026"
    assert (
        dates.span(date(2025, 12, 28), date(2026, 1, 3), locale="en") == "28\u00a0Dec 2025 – 3\u00a0Jan 2026"
    )
    assert dates.span(date(2026, 11, 9), date(2026, 11, 9), locale="en") == "9\u00a0Nov 2026"


def test_instants_are_shown_in_the_zone_in_force():
    at = datetime(2026, 11, 18, 23, 30, 5, tzinfo=UTC)
    with timezone.override("Europe/Paris"), translation.override("en"):
        assert dates.day(at) == "19\u00a0Nov 2026"
        assert dates.moment(at) == "19\u00a0Nov, 00:30:05"
    assert dates.zone_label("Europe/Paris", at) == "Europe/Paris, UTC+1"
    assert dates.zone_label("Asia/Kolkata", at) == "Asia/Kolkata, UTC+5:30"
    assert dates.zone_label("America/New_York", at) == f"America/New_York, UTC{MINUS}5"
