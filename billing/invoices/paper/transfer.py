"""The bank transfer that pays an invoice, as words and as the QR code that banking apps read.

The code is the European Payments Council's (EPC069-12, version 002, SEPA credit transfer): UTF-8, error correction M,
at most version 13. It carries euros alone, so other currencies have none.
"""

from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from qrcode.constants import ERROR_CORRECT_M
from qrcode.image.base import BaseImage
from qrcode.main import QRCode

from billing.invoices.models import Invoice
from billing.invoices.paper.figures import Figures
from billing.pricing.money import ZERO, money_string

LARGEST: Final = Decimal("999999999.99")
NAME_LENGTH: Final = 70
REFERENCE_LENGTH: Final = 140
LARGEST_VERSION: Final = 13


@dataclass(frozen=True, slots=True)
class Code:
    """The dark modules as one SVG path in a square of `size` units."""

    size: int
    path: str


def left_to_pay(invoice: Invoice) -> Decimal:
    """What the document asks for: nothing if it is of money that was received."""
    return ZERO if "prepayment" in invoice.snapshot else invoice.amount_due


def transfer_rows(invoice: Invoice, amount: Decimal, figures: Figures) -> list[tuple[str, str]]:
    """Where to pay `amount`, with the name of each; nothing if there is none or the seller gave no account."""
    seller = invoice.snapshot["seller"]
    if not seller["iban"] or not amount:
        return []
    iban = " ".join(seller["iban"][at : at + 4] for at in range(0, len(seller["iban"]), 4))
    rows = [
        (pgettext("on paper", "To"), seller["name"]),
        (_("IBAN"), iban),
        (_("BIC"), seller["bic"]),
        (pgettext("on paper", "Reference"), invoice.number),
        (pgettext("on paper", "Amount"), figures.money(amount)),
    ]
    return [row for row in rows if row[1]]


def transfer_code(invoice: Invoice, amount: Decimal) -> Code | None:
    """The QR code that pays `amount`; None where there is none, or not in euros, or the seller gave no account."""
    text = epc_text(invoice, amount)
    return drawn(text) if text else None


def epc_text(invoice: Invoice, amount: Decimal) -> str:
    """What the code says; empty where there is none."""
    seller = invoice.snapshot["seller"]
    if invoice.currency != "EUR" or not seller["iban"] or not 0 < amount <= LARGEST:
        return ""
    lines = [
        *("BCD", "002", "1", "SCT"),
        seller["bic"],
        seller["name"][:NAME_LENGTH],
        seller["iban"],
        f"EUR{money_string(amount, 'EUR')}",
        *("", ""),  # purpose, structured reference
        invoice.number[:REFERENCE_LENGTH],
    ]
    return "\n".join(lines)


def drawn(text: str) -> Code:
    """`text` as a QR code without its quiet zone."""
    code: QRCode[BaseImage] = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(text.encode())
    code.make(fit=True)
    if code.version > LARGEST_VERSION:
        raise ValueError(f"a transfer's QR code is of version 13 at most, not {code.version}")
    rows = code.get_matrix()
    return Code(len(rows), "".join(_row(y, row) for y, row in enumerate(rows)))


def _row(y: int, modules: list[bool]) -> str:
    """Each run of dark modules as a bar."""
    path, x = "", 0
    for dark, run in groupby(modules):
        width = len(list(run))
        path += f"M{x} {y}h{width}v1H{x}z" if dark else ""
        x += width
    return path
