"""The electronic invoice: EN 16931 from the issued row and its snapshot, as CII (Factur-X) and as UBL 2.1."""

from billing.invoices.einvoice.cii import cii_of
from billing.invoices.einvoice.content import content_of, is_representable
from billing.invoices.einvoice.ubl import ubl_of
from billing.invoices.models import Invoice, InvoiceLine

__all__ = ["invoice_cii", "invoice_ubl", "is_representable"]


def invoice_cii(invoice: Invoice) -> bytes:
    """The document as UN/CEFACT Cross Industry Invoice: the file that its PDF carries. Inside the account's scope.

    ValueError where `is_representable` says no.
    """
    return cii_of(content_of(invoice, _lines(invoice)))


def invoice_ubl(invoice: Invoice) -> bytes:
    """The document as UBL 2.1 Invoice or CreditNote; like `invoice_cii`."""
    return ubl_of(content_of(invoice, _lines(invoice)))


def _lines(invoice: Invoice) -> list[InvoiceLine]:
    return list(invoice.lines.order_by("position"))
