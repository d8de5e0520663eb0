"""The ZIP of a year: the stored PDF and the electronic invoice of each document, sent as it is written."""

import io
import zipfile

from billing.invoices.actions import bill_account
from billing.invoices.einvoice import invoice_cii
from billing.invoices.exports.archive import archive
from billing.invoices.pdf import invoice_pdf
from tests.invoices import world
from tests.invoices.exports.checking import everything
from tests.invoices.world import utc


def test_each_document_as_it_is_stored(db: None) -> None:
    world.load()
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 2, 1))
    invoices = bill_account(account, utc(2026, 4, 1))
    parts = list(archive(everything(account)))
    assert len(parts) == len(invoices) + 1, "a document at a time"
    assert all(parts)
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as zipped:
        assert zipped.testzip() is None
        names = [f"{each.number}.{suffix}" for each in invoices for suffix in ("pdf", "xml")]
        assert zipped.namelist() == names
        for invoice in invoices:
            assert zipped.read(f"{invoice.number}.pdf") == invoice_pdf(invoice)
            assert zipped.read(f"{invoice.number}.xml") == invoice_cii(invoice)
    assert b"".join(archive(everything(account))) == b"".join(parts)


def test_three_decimals_have_a_pdf_alone(db: None) -> None:
    world.load(world.plan("dinar", {**world.IN, "unit_price": "0.001"}, currency="KWD", base_price="1.234"))
    account = world.customer("kw", country="KW", currency="KWD")
    world.on_plan(account, "dinar", utc(2026, 2, 1))
    [invoice] = bill_account(account, utc(2026, 2, 2))
    with zipfile.ZipFile(io.BytesIO(b"".join(archive(everything(account))))) as zipped:
        assert zipped.namelist() == [f"{invoice.number}.pdf"]
