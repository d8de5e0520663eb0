"""Billing details: who changes them, what is refused and said, what an issued invoice keeps."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Role
from tests.factories import make_account, make_member
from tests.portal.world import HOSTILE, build, sign_in

pytestmark = pytest.mark.django_db
PAGE = "/billing/details/"
WHOLE = {
    "name": "Atelier Brume SAS",
    "line1": "1 rue du Port",
    "line2": "",
    "postcode": "44000",
    "city": "Nantes",
    "country": "FR",
    "tax_id": "fr 40 303 265 045",
    "legal_id": "303265045",
    "email": "compta@brume.example",
    "purchase_order": "BC-7",
}


@pytest.fixture
def account() -> Account:
    return make_account()


def signed_in(account: Account, role: str = Role.BILLING) -> Client:
    return sign_in(make_member(account, role))


def test_what_is_saved_stands_in_settings_and_on_the_next_invoice_only(db: None) -> None:
    world = build()
    client, before = sign_in(world.owner), world.invoice.snapshot
    answer = client.post(PAGE, WHOLE, follow=True)
    assert answer.redirect_chain == [("/billing/settings/", 302)]
    assert "They stand on your next invoice; issued ones stay as they are." in answer.text
    assert "Well formed. Whether it is registered was not looked up at VIES." in answer.text
    account = Account.objects.get(pk=world.account.pk)
    assert {name: getattr(account, name) for name in WHOLE} == {**WHOLE, "tax_id": "FR40303265045"}
    assert "FR40303265045" in answer.text
    assert "BC-7" in answer.text
    world.invoice.refresh_from_db()
    assert world.invoice.snapshot == before
    for name in ("currency", "timezone", "locale", "code", "tax_code"):
        assert getattr(account, name) == getattr(world.account, name)


def test_fields_that_are_not_in_the_form_are_not_changed(account: Account) -> None:
    extra = {"currency": "USD", "code": "x", "tax_code": "y", "timezone": "UTC"}
    assert signed_in(account).post(PAGE, {**WHOLE, **extra}).status_code == 302
    found = Account.objects.get()
    assert (found.currency, found.code, found.tax_code, found.timezone) == ("EUR", "acme", "", "Europe/Paris")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", " ", "Enter the name that stands on your invoices"),
        ("name", "two\nlines", "Remove line breaks and control characters."),
        ("name", "x" * 201, "200"),
        ("email", "", "Enter the mail address that invoices go to"),
        ("email", "nobody", "Enter a mail address, such as billing@example.com"),
        ("email", "a@b.example\nBcc: c@d.example", "Enter a mail address"),
        ("country", "XX", "Choose a country of the list"),
        ("country", "", "Choose a country of the list"),
        ("tax_id", "FR12", "This is not a VAT id"),
        ("tax_id", "DE136695976", "give the id of the account&#x27;s country"),
        ("line1", HOSTILE + "\x00", "Null characters"),
        ("postcode", "1" * 21, "20"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    account: Account, field: str, value: str, words: str
) -> None:
    answer = signed_in(account).post(PAGE, {**WHOLE, field: value})
    assert answer.status_code == 422
    assert "<title>Error:" in answer.text
    summary = answer.text.partition('role="alert"')[2].partition("</div></div>")[0]
    assert re.search(rf'<a href="#f-{field}">[^<]*{re.escape(words)}', summary), summary
    assert f'id="f-{field}_error"' in answer.text
    assert 'value="1 rue du Port"' in answer.text or field == "line1"
    assert "<script>alert" not in answer.text
    assert Account.objects.get().name == account.name, "nothing is half done"
    assert f"</span> {account.name}</p>" in answer.text, "the page's head shows what is stored"


def test_an_id_goes_with_its_country(account: Account) -> None:
    client = signed_in(account)
    german = {**WHOLE, "country": "DE", "tax_id": "DE136695976"}
    assert "Well formed" in client.post(PAGE, german, follow=True).text
    answer = client.post(PAGE, {**german, "country": "FR"})
    assert 'href="#f-tax_id"' in answer.text
    swiss = {**WHOLE, "country": "CH", "tax_id": "CHE-107.787.577 IVA"}
    text = client.post(PAGE, swiss, follow=True).text
    assert "Well formed. Whether it is registered was not looked up." in text
    assert "VIES" not in text
    text = client.post(PAGE, {**WHOLE, "country": "JM", "tax_id": "12345"}, follow=True).text
    assert "Not checked: we know no rules for ids of this country." in text
    assert "Jamaica" in text
    assert "VAT id:" not in client.post(PAGE, {**WHOLE, "country": "JM", "tax_id": ""}, follow=True).text


def test_an_id_from_before_the_rules_is_named(account: Account) -> None:
    Account.objects.update(tax_id="FR00")
    assert "It is not well formed: please correct it." in signed_in(account).get("/billing/settings/").text


@pytest.mark.parametrize(("role", "may"), [("owner", 1), ("billing", 1), ("developer", 0), ("viewer", 0)])
def test_who_may(account: Account, role: str, may: bool) -> None:
    client = signed_in(account, role)
    assert client.get(PAGE).status_code == (200 if may else 403)
    assert client.post(PAGE, WHOLE).status_code == (302 if may else 403)
    assert (f'href="{PAGE}"' in client.get("/billing/settings/").text) == may
    assert (Account.objects.get().name == WHOLE["name"]) == may


def test_a_french_reader_finds_countries_in_french(account: Account) -> None:
    Account.objects.update(locale="fr-FR")
    text = signed_in(account).get(PAGE).text
    names = re.findall(r"<option[^>]*>([^<]+)", text)
    assert names.index("Émirats arabes unis") < names.index("Espagne") < names.index("Finlande")
    assert "Numéro de TVA, si vous en avez un" in text


def test_few_queries(account: Account) -> None:
    client = signed_in(account)
    client.get(PAGE)
    with CaptureQueriesContext(connection) as found:
        client.get(PAGE)
    assert len(found) <= 12
