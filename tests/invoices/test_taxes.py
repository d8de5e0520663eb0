"""Taxes on issued documents: whose tax each line bears, on which day, and what a line that takes another back keeps."""

import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from pypdf import PdfReader

from accounts.models import Account
from billing.invoices.actions import bill_account
from billing.invoices.models import Invoice
from billing.invoices.pdf import render
from billing.invoices.queries import invoice_data
from billing.invoices.verify import steps, verify
from billing.plans.actions import Actor, cancel, confirm_change, load_catalog
from billing.plans.models import Plan
from billing.plans.queries import period_at
from tests.invoices import world
from tests.invoices.world import utc

D = Decimal
GERMAN = "DE136695976"


def tax(code: str, rate: str, country: str = "FR", category: str = "S", **days: str) -> dict[str, str]:
    return {"code": code, "name": code, "rate": rate, "country": country, "category": category, **days}


@pytest.fixture(autouse=True)
def _catalog(db: None) -> None:
    world.load()
    more = [tax("fr-10", "10"), tax("fr-21", "2.1"), tax("de-19", "19", "DE"), tax("us-o", "0", "US", "O")]
    load_catalog({"catalog": 1, "taxes": more})
    charges = [{**world.OUT, "tax": "fr-55"}, world.IN]
    load_catalog(
        {
            "catalog": 1,
            "plans": [
                world.plan("mixed", *charges),
                world.plan("press", *charges, tax="fr-21", base_price="10.00"),
            ],
        }
    )


def borne(invoice: Invoice) -> list[tuple[str, str, str]]:
    """(kind, amount, tax) of each line; the tax as category and percent."""
    return [
        (line.kind, f"{line.amount:.2f}", f"{line.tax_category} {line.tax_rate.normalize():f}")
        for line in invoice.lines.all()
    ]


def rates(invoice: Invoice) -> list[tuple[str, str, str]]:
    """(code, taxable, tax) of the foot."""
    return [(each["code"], each["taxable"], each["amount"]) for each in invoice_data(invoice)["taxes"]]


def text_of(invoice: Invoice) -> str:
    """The words of the PDF."""
    pages = PdfReader(io.BytesIO(render(invoice))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def differences() -> list[str]:
    return [str(each) for step in steps() for each in verify(step)]


def test_the_tax_of_the_charge_the_plan_the_account_and_the_country_on_one_invoice() -> None:
    """The account's own tax ends on 1 March, so the base price of March bears that of its country."""
    load_catalog({"catalog": 1, "taxes": [tax("fr-10", "10", valid_to="2026-03-01")]})
    account = world.customer(tax_code="fr-10")
    subscription = world.on_plan(account, "press", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 5), output_tokens=4_000_000, input_tokens=4_000_000)
    confirm_change(
        subscription, Plan.objects.get(code="mixed"), at=utc(2026, 2, 15), actor=Actor.INSTALLATION
    )
    world.use(account, utc(2026, 2, 20), output_tokens=1_000_000, input_tokens=2_000_000)
    first, second = bill_account(account, utc(2026, 3, 1))
    assert borne(first) == [("base", "10.00", "S 2.1")]
    assert borne(second) == [
        ("usage", "65.00", "S 5.5"),
        ("usage", "10.00", "S 2.1"),
        ("usage", "20.00", "S 5.5"),
        ("usage", "5.00", "S 10"),
        ("base", "49.00", "S 20"),
        ("proration", "-5.00", "S 2.1"),
        ("proration", "24.50", "S 10"),
    ]
    assert rates(second) == [
        ("fr-55", "85.00", "4.68"),  # 4.675
        ("fr-21", "5.00", "0.11"),  # 0.105
        ("fr-10", "29.50", "2.95"),
        ("fr-20", "49.00", "9.80"),
    ]
    assert second.tax_total == D("17.54")
    assert differences() == []


def test_a_new_rate_taxes_what_is_supplied_from_its_first_day() -> None:
    """21 % from 1 March: February's usage still bears 20 %, the base price of March on the same invoice 21 %."""
    load_catalog({"catalog": 1, "taxes": [{**tax("fr-20", "21"), "valid_from": "2026-03-01"}]})
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 2, 1))
    for month in (2, 3):
        world.use(account, utc(2026, month, 5), output_tokens=4_000_000)
    first, second, third = bill_account(account, utc(2026, 4, 1))
    assert borne(first) == [("base", "49.00", "S 20")]
    assert borne(second) == [("usage", "65.00", "S 20"), ("base", "49.00", "S 21")]
    assert rates(second) == [("fr-20", "65.00", "13.00"), ("fr-20", "49.00", "10.29")]
    assert borne(third) == [("usage", "65.00", "S 21"), ("base", "49.00", "S 21")]
    assert differences() == []


def moved(account: Account) -> None:
    """The table changes from today on, and the account moves to Germany with a VAT id."""
    today = timezone.now().date()
    load_catalog({"catalog": 1, "taxes": [{**tax("fr-20", "33"), "valid_from": today.isoformat()}]})
    Account.objects.filter(pk=account.pk).update(country="DE", tax_id=GERMAN)
    account.refresh_from_db()


def test_days_that_are_given_back_keep_the_tax_they_were_charged_with() -> None:
    account, now = world.customer(), timezone.now()
    subscription = world.on_plan(account, "team", now - timedelta(days=3))
    bill_account(account, now)
    world.use(account, now - timedelta(hours=1), output_tokens=4_000_000)
    moved(account)
    cancel(subscription, "now", actor=Actor.INSTALLATION)
    (final,) = bill_account(account, timezone.now())
    assert [(kind, borne_tax) for kind, _amount, borne_tax in borne(final)] == [
        ("usage", "AE 0"),
        ("proration", "S 20"),
    ]
    assert differences() == []


def test_days_of_a_later_plan_keep_that_ones_tax_when_they_are_given_back() -> None:
    """Paid ahead for March, Team is left on 10 March for Press, and Press on the 20th for Team."""
    account = world.customer()
    subscription = world.on_plan(account, "team", utc(2026, 3, 1))
    bill_account(account, utc(2026, 3, 1))
    moved(account)
    load_catalog({"catalog": 1, "taxes": [{**tax("fr-20", "25"), "valid_from": "2026-03-05"}]})
    Account.objects.filter(pk=account.pk).update(country="FR", tax_id="")
    for day, code in ((10, "mixed"), (20, "team")):
        confirm_change(
            subscription, Plan.objects.get(code=code), at=utc(2026, 3, day), actor=Actor.INSTALLATION
        )
    account.refresh_from_db()
    second = bill_account(account, utc(2026, 4, 1))[-1]
    taxes = [
        (amount[0] == "-", borne_tax) for kind, amount, borne_tax in borne(second) if kind == "proration"
    ]
    assert taxes == [(True, "S 20"), (False, "S 25"), (True, "S 25"), (False, "S 25")]


def test_late_usage_keeps_the_tax_of_its_period() -> None:
    account, now = world.customer(), timezone.now()
    world.on_plan(account, "studio", now - timedelta(days=34))
    event = world.event(account, now - timedelta(days=20), id_="known", output_tokens=1_500_000)
    world.send([event])
    bill_account(account, now)
    moved(account)
    world.send([{**event, "revision": 1, "data": {"output_tokens": 500_000}}])
    world.use(account, now - timedelta(days=19), input_tokens=1_000_000)
    period = period_at(account, now)
    assert period is not None
    second = bill_account(account, period.end)[-1]
    assert borne(second) == [
        ("base", "99.00", "AE 0"),
        ("late_usage", "-10.00", "S 20"),
        ("late_usage", "2.50", "S 20"),
    ]
    assert rates(second) == [("reverse-charge", "99.00", "0.00"), ("fr-20", "-7.50", "-1.50")]
    assert differences() == []


@pytest.mark.parametrize(
    ("country", "tax_id", "expected"),
    [
        ("DE", GERMAN, ("reverse-charge", "AE", "0")),
        ("DE", "", ("de-19", "S", "19")),
        ("DE", "DE123456789", ("de-19", "S", "19")),
        ("DE", "FR40303265045", ("de-19", "S", "19")),
        ("FR", "FR40303265045", ("fr-20", "S", "20")),
        ("FR", GERMAN, ("fr-20", "S", "20")),
        ("ES", "", ("not-taxed", "O", "0")),
        ("US", "", ("us-o", "O", "0")),
        ("US", GERMAN, ("us-o", "O", "0")),
        ("JP", "", ("not-taxed", "O", "0")),
    ],
)
def test_the_reverse_charge_and_the_rules_of_countries(
    country: str, tax_id: str, expected: tuple[str, str, str]
) -> None:
    account = world.customer(country=country, tax_id=tax_id)
    world.on_plan(account, "team", utc(2026, 2, 1))
    (invoice,) = bill_account(account, utc(2026, 2, 1))
    (found,) = invoice_data(invoice)["taxes"]
    assert (found["code"], found["category"], found["rate"]) == expected
    paper = text_of(invoice)
    assert ("Reverse charge: the customer owes the VAT" in paper) == (expected[1] == "AE")
    assert ("Not subject to VAT." in paper) == (expected[1] == "O")


def test_what_is_outside_the_scope_stands_beside_other_taxes_as_exempt_for_that_reason() -> None:
    """EN 16931, BR-O-11: O stands alone. The first invoice has it alone; February's has another tax."""
    account = world.customer(country="JP")
    world.on_plan(account, "mixed", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 5), output_tokens=4_000_000, input_tokens=4_000_000)
    first, second, third = bill_account(account, utc(2026, 4, 1))
    assert borne(first) == [("base", "49.00", "O 0")]
    assert borne(second) == [("usage", "65.00", "S 5.5"), ("usage", "10.00", "E 0"), ("base", "49.00", "E 0")]
    assert rates(second) == [("fr-55", "65.00", "3.58"), ("not-taxed", "59.00", "0.00")]
    assert borne(third) == [("base", "49.00", "O 0")]
    assert "Not subject to VAT." in text_of(second)
    assert "Exempt from VAT." not in text_of(second)
    assert differences() == []


def test_late_usage_of_what_stood_as_exempt_is_told_once() -> None:
    """It is corrected by its difference alone, whatever the documents say beside it."""
    account, now = world.customer(country="JP"), timezone.now()
    world.on_plan(account, "mixed", now - timedelta(days=34))
    event = world.event(
        account, now - timedelta(days=20), id_="known", output_tokens=4_000_000, input_tokens=4_000_000
    )
    world.send([event])
    first = bill_account(account, now)[-1]
    assert [borne_tax for kind, _amount, borne_tax in borne(first)] == ["S 5.5", "E 0", "E 0"]
    world.use(account, now - timedelta(days=19), input_tokens=400_000)
    period = period_at(account, now)
    assert period is not None
    second = bill_account(account, period.end)[-1]
    assert borne(second) == [("base", "49.00", "O 0"), ("late_usage", "1.00", "O 0")]
    assert differences() == []
