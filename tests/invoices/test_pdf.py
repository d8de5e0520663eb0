"""The printed invoice, read back from its PDF."""

import hashlib
import io

import pypdf
import pytest

from billing.invoices.actions import bill_account
from billing.invoices.models import Invoice
from billing.invoices.pdf import ensure_document
from tests.invoices import world
from tests.invoices.world import utc


@pytest.fixture(autouse=True)
def _catalog(db: None) -> None:
    world.load()


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def full_invoice(**fields: str) -> Invoice:
    account = world.customer(timezone="Europe/Paris", **fields)
    world.on_plan(account, "team", utc(2026, 1, 31, 23))
    for day in range(1, 29):
        world.use(account, utc(2026, 2, day, 12), output_tokens=500_000 * day, input_tokens=3_000_000 + day)
    world.send(world.event(account, utc(2026, 2, 9), "api") for _ in range(1500))
    return bill_account(account, utc(2026, 3, 1))[-1]


def test_paper_says_what_the_invoice_says() -> None:
    invoice = full_invoice(name="Atelier Brume", tax_id="FR65908172638", purchase_order="PO-1187")
    document = ensure_document(invoice)
    text = text_of(bytes(document.pdf))
    assert hashlib.sha256(document.pdf).digest() == bytes(document.sha256)
    assert f"{invoice.amount_due:,.2f}" in text
    assert invoice.number in text
    assert "Atelier Brume" in text


def test_french() -> None:
    invoice = full_invoice(
        name="Atelier Brume", tax_id="FR65908172638", purchase_order="PO-1187", locale="fr"
    )
    document = ensure_document(invoice)
