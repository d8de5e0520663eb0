"""The electronic invoice over HTTP: two syntaxes, the file in the PDF, and where there is none."""

from accounts.models import Account
from billing.invoices.actions import bill_account
from billing.invoices.einvoice import invoice_cii, invoice_ubl
from tests.api.conftest import Caller
from tests.invoices import world
from tests.invoices.world import utc


def test_both_syntaxes_are_downloads_of_their_own_name(root: Caller, acme: Account) -> None:
    world.on_plan(acme, "team", utc(2026, 2, 1))
    [invoice] = bill_account(acme, utc(2026, 2, 2))
    for suffix, written in (("xml", invoice_cii), ("ubl.xml", invoice_ubl)):
        answer = root("GET", f"/invoices/{invoice.number}.{suffix}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/xml")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{invoice.number}.{suffix}"'
        assert answer.content == written(invoice)


def test_a_currency_with_three_decimals_has_none_and_is_told_why(root: Caller) -> None:
    dinar = {"code": "dinar", "name": "Dinar", "currency": "KWD", "interval": "month", "base_price": "1.234"}
    root.ok("PUT", "/catalog", {"catalog": 1, "plans": [{**dinar, "charges": []}]})
    account = world.customer("kw", country="KW", currency="KWD")
    world.on_plan(account, "dinar", utc(2026, 2, 1))
    [invoice] = bill_account(account, utc(2026, 2, 2))
    answer = root("GET", f"/invoices/{invoice.number}.ubl.xml")
    assert answer.status_code == 404
    assert "KWD" in answer.json()["detail"]
    assert root("GET", f"/invoices/{invoice.number}.pdf").status_code == 200
