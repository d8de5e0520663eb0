"""Which tax a line bears: charge, plan, account, country; and the reverse charge, only where it may be."""

from datetime import date
from decimal import Decimal

import pytest

from billing.pricing.catalog import TaxDef
from billing.pricing.taxes import EU_COUNTRIES, NOT_TAXED, REVERSE_CHARGE, Tax, choose_tax

D = Decimal
JUNE = date(2026, 6, 1)

RULES = [
    TaxDef(code="fr-5.5", name="TVA 5,5 %", rate=D("5.5"), country="FR", category="S"),
    TaxDef(code="fr-20", name="TVA 20 %", rate=D(20), country="FR", category="S"),
    TaxDef(code="fr-exempt", name="Exonéré", rate=D(0), country="FR", category="E"),
    TaxDef(code="de-19", name="USt 19 %", rate=D(19), country="DE", category="S", valid_to=date(2026, 7, 1)),
    TaxDef(
        code="de-21", name="USt 21 %", rate=D(21), country="DE", category="S", valid_from=date(2026, 7, 1)
    ),
    TaxDef(code="gr-24", name="FPA", rate=D(24), country="GR", category="S"),
    TaxDef(code="ae", name="Autoliquidation", rate=D(0), country="DE", category="AE"),
    TaxDef(code="us", name="Export", rate=D(0), country="US", category="G"),
]


def chosen(
    country: str,
    line: str | None = None,
    plan: str | None = None,
    account: str | None = None,
    *,
    seller: str = "FR",
    valid: bool = False,
    on: date = JUNE,
    rules: list[TaxDef] = RULES,
) -> Tax:
    return choose_tax(
        line_tax=line,
        plan_tax=plan,
        account_tax_code=account,
        account_country=country,
        seller_country=seller,
        vat_id_valid=valid,
        rules=rules,
        on=on,
    )


def test_the_charge_then_the_plan_then_the_account_then_the_country() -> None:
    assert chosen("FR", "fr-5.5", "fr-20", "fr-exempt").code == "fr-5.5"
    assert chosen("FR", None, "fr-5.5", "fr-exempt").code == "fr-5.5"
    assert chosen("FR", None, None, "fr-5.5").code == "fr-5.5"
    assert chosen("FR") == Tax("fr-20", "TVA 20 %", D(20), "S")


def test_a_country_without_standard_rate() -> None:
    assert chosen("US").category == "G"
    assert chosen("us").code == "us"


def test_a_standard_rate_goes_before_a_rule_of_another_category_whatever_its_rate() -> None:
    odd = TaxDef(code="odd", name="Odd", rate=D(25), country="FR", category="E")
    assert chosen("FR", rules=[odd, *RULES]).code == "fr-20"


def test_no_rule_is_outside_the_scope() -> None:
    assert chosen("JP") == NOT_TAXED == Tax("not-taxed", "Not subject to VAT", D(0), "O")
    assert chosen("FR", rules=[]) == NOT_TAXED


def test_an_unknown_code_is_passed_over() -> None:
    assert chosen("FR", "gone", "fr-5.5").code == "fr-5.5"


@pytest.mark.parametrize(
    ("on", "expected"), [("2026-06-30", "de-19"), ("2026-07-01", "de-21"), ("2030-01-01", "de-21")]
)
def test_the_day_decides_and_the_last_day_is_exclusive(on: str, expected: str) -> None:
    assert chosen("DE", on=date.fromisoformat(on)).code == expected
    assert chosen("FR", "de-19", "de-21", on=date.fromisoformat(on)).code == expected


def test_of_two_rules_of_a_code_the_newest_holds() -> None:
    old = TaxDef(code="x", name="old", rate=D(19), country="FR", category="S")
    new = TaxDef(code="x", name="new", rate=D(20), country="FR", category="S", valid_from=date(2026, 1, 1))
    assert chosen("FR", "x", rules=[new, old]).name == "new"
    assert chosen("FR", "x", rules=[new, old], on=date(2025, 12, 31)).name == "old"


def test_after_a_passing_rate_the_older_one_holds_again_also_as_the_rate_of_the_country() -> None:
    """Germany's second half of 2020; the first day no longer taxed at 16 % is 1 January."""
    rate = {"code": "ust", "country": "DE", "category": "S"}
    passing = TaxDef(
        **rate, name="USt 16 %", rate=D(16), valid_from=date(2020, 7, 1), valid_to=date(2021, 1, 1)
    )
    rules = [passing, TaxDef(**rate, name="USt 19 %", rate=D(19))]
    days = [date(2020, 6, 30), date(2020, 7, 1), date(2020, 12, 31), date(2021, 1, 1)]
    for code in ("ust", None):
        found = [chosen("DE", code, rules=rules, on=day).rate for day in days]
        assert found == [19, 16, 16, 19]


def test_a_code_that_became_a_reverse_charge_no_longer_gives_its_old_rate() -> None:
    old = TaxDef(code="x", name="old", rate=D(7), country="DE", category="S")
    new = TaxDef(code="x", name="new", rate=D(0), country="DE", category="AE", valid_from=date(2026, 1, 1))
    assert chosen("FR", "x", rules=[*RULES, new, old]).code == "fr-20"


@pytest.mark.parametrize(
    ("seller", "customer", "valid", "expected"),
    [
        ("FR", "DE", True, "AE"),
        ("FR", "DE", False, "S"),
        ("FR", "FR", True, "S"),
        ("FR", "US", True, "G"),
        ("US", "DE", True, "S"),
        ("FR", "GB", True, "O"),
        ("FR", "EL", True, "AE"),
        ("FR", "el", True, "AE"),
        ("GR", "EL", True, "S"),
        ("FR", "PT", True, "AE"),
        ("FR", "PT", False, "O"),
    ],
)
def test_reverse_charge_only_between_different_eu_countries_with_a_valid_id(
    seller: str, customer: str, valid: bool, expected: str
) -> None:
    tax = chosen(customer, seller=seller, valid=valid)
    assert tax.category == expected
    assert (tax == REVERSE_CHARGE) == (expected == "AE")


def test_reverse_charge_replaces_a_rate_wherever_it_is_named_but_not_an_exemption() -> None:
    for line, plan, account in (("fr-20", None, None), (None, "fr-20", None), (None, None, "fr-20")):
        assert chosen("DE", line, plan, account, valid=True) == REVERSE_CHARGE
    assert chosen("DE", "fr-exempt", valid=True).category == "E"


def test_a_reverse_charge_rule_is_used_only_where_it_applies() -> None:
    assert chosen("DE", None, None, "ae", valid=True).code == "ae"
    assert chosen("DE", None, None, "ae").code == "de-19"
    assert chosen("FR", None, None, "ae", valid=True).code == "fr-20"


def test_the_reverse_charge_is_zero_percent() -> None:
    assert Tax("reverse-charge", "Reverse charge", D(0), "AE") == REVERSE_CHARGE


def test_the_union_has_27_members() -> None:
    assert len(EU_COUNTRIES) == 27
    assert not EU_COUNTRIES & {"GB", "CH", "NO", "EL", "XI"}
