"""The PDF: rendered once from the issued row and its snapshot, outside the issuing transaction, and kept with its hash.

Nothing is fetched while rendering: only data: addresses are allowed, and those are our own fonts.
"""

import atexit
import base64
import hashlib
import importlib
import threading
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import override

from accounts.scope import account_scope
from billing.invoices.einvoice import embed, invoice_cii, is_representable
from billing.invoices.models import Invoice, InvoiceDocument
from billing.invoices.paper.page import page_of

FONTS: Final = (
    ("Inter", 400, "Inter-Regular.otf"),
    ("Inter", 500, "Inter-Medium.otf"),
    ("Inter Display", 500, "InterDisplay-Medium.otf"),
)
VARIANT: Final = "pdf/a-3a"
"""Tagged, for archives, and able to carry the electronic invoice."""

# WeasyPrint's shared font map is not made for several threads.
_lock = threading.Lock()


def ensure_document(invoice: Invoice) -> InvoiceDocument:
    """The stored PDF of `invoice`, rendered now if nobody did yet. Two at once: one is kept, both get that one."""
    with account_scope(invoice.account_id):
        found = InvoiceDocument.objects.filter(invoice=invoice).first()
    if found is not None:
        return found
    pdf = render(invoice)
    with account_scope(invoice.account_id):
        document = InvoiceDocument(
            invoice=invoice, account_id=invoice.account_id, pdf=pdf, sha256=hashlib.sha256(pdf).digest()
        )
        InvoiceDocument.objects.bulk_create([document], ignore_conflicts=True)
        return InvoiceDocument.objects.get(invoice=invoice)


def invoice_pdf(invoice: Invoice) -> bytes:
    """The bytes of the stored PDF; the same every time."""
    return bytes(ensure_document(invoice).pdf)


def render(invoice: Invoice) -> bytes:
    """The PDF's bytes, in the invoice's language, with the electronic invoice in it where there can be one."""
    with account_scope(invoice.account_id), override(invoice.snapshot["locale"]):
        html = render_to_string("invoices/invoice.html", page_of(invoice))
        cii = invoice_cii(invoice) if is_representable(invoice.currency) else None
    return print_html(html, **(embed.options(_weasyprint(), cii, invoice.issued_at) if cii else {}))


def print_html(html: str, **options: Any) -> bytes:
    """HTML as PDF/A-3a with our own style and fonts; `options` are WeasyPrint's."""
    with _lock:
        style, fonts, fetcher = _style()
        document = _weasyprint().HTML(string=html, url_fetcher=fetcher)
        pdf: bytes = document.write_pdf(
            stylesheets=[style], font_config=fonts, pdf_variant=VARIANT, **options
        )
    return pdf


@cache
def _style() -> tuple[Any, Any, Any]:
    """Style sheet, font configuration and fetcher, parsed once in a process: a quarter of the time of a page."""
    weasyprint = _weasyprint()
    fetcher = weasyprint.urls.URLFetcher(allowed_protocols=("data",), allow_redirects=False)
    fonts = weasyprint.text.fonts.FontConfiguration()
    faces = "".join(_face(family, weight, name) for family, weight, name in FONTS)
    text = (settings.BASE_DIR / "templates" / "invoices" / "invoice.css").read_text()
    return weasyprint.CSS(string=faces + text, font_config=fonts, url_fetcher=fetcher), fonts, fetcher


# The font configuration removes its files while the interpreter still can.
atexit.register(_style.cache_clear)


def _weasyprint() -> Any:
    """Loaded when the first PDF is printed: it needs Pango, which the rest of the site does not."""
    return importlib.import_module("weasyprint")


def _face(family: str, weight: int, name: str) -> str:
    path: Path = settings.BASE_DIR / "static" / "fonts" / name
    data = base64.b64encode(path.read_bytes()).decode()
    source = f"url(data:font/otf;base64,{data}) format('opentype')"
    return f'@font-face {{ font-family: "{family}"; font-weight: {weight}; src: {source} }}\n'
