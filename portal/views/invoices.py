"""`/billing/invoices/`: the list, a document, its files, a line's days and events."""

from collections.abc import Callable
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.middleware import own_scope
from billing.invoices.einvoice import invoice_cii, invoice_ubl, is_representable
from billing.invoices.models import Invoice
from billing.invoices.pdf import invoice_pdf
from billing.invoices.proof import proof_file, verifier
from billing.invoices.queries import invoice_by_number
from portal.files import download
from portal.pages.check import check_page
from portal.pages.invoice import invoice_page
from portal.pages.invoice_line import line_page
from portal.pages.invoices import invoice_list
from portal.views.base import PortalRequest, page, show


@require_safe
@page(place="invoices")
def show_list(request: PortalRequest) -> HttpResponseBase:
    number = request.GET.get("page", "1")
    found = invoice_list(request.account, timezone.now(), int(number) if number.isdecimal() else 1)
    return show(request, "portal/invoices.html", found)


@require_safe
@page(place="invoices")
def show_invoice(request: PortalRequest, number: str) -> HttpResponseBase:
    found = invoice_page(request.account, number, timezone.now())
    if found is None:
        raise Http404
    return show(request, "portal/invoice.html", found)


@require_safe
@page(place="invoices")
def pdf(request: PortalRequest, number: str) -> HttpResponseBase:
    """The stored PDF: the same bytes every time."""
    return _file(_invoice(request, number), invoice_pdf, "pdf", "application/pdf")


@require_safe
@page(place="invoices")
def cii(request: PortalRequest, number: str) -> HttpResponseBase:
    """The electronic invoice that the PDF carries."""
    return _file(_electronic(request, number), invoice_cii, "xml", "application/xml")


@require_safe
@page(place="invoices")
def ubl(request: PortalRequest, number: str) -> HttpResponseBase:
    """The electronic invoice as UBL."""
    return _file(_electronic(request, number), invoice_ubl, "ubl.xml", "application/xml")


@require_safe
@page(place="invoices")
def check(request: PortalRequest, number: str) -> HttpResponseBase:
    """The document recomputed now, from its events."""
    found = check_page(request.account, number, timezone.now())
    if found is None:
        raise Http404
    return show(request, "portal/invoice_check.html", found)


@require_safe
@page(place="invoices")
def proof(request: PortalRequest, number: str) -> HttpResponseBase:
    """What the document can be recomputed by, without this site."""
    invoice = _invoice(request, number)
    return download(proof_file(invoice), f"{invoice.number}-proof.zip", "application/zip")


@require_safe
@own_scope
def verify_program(request: HttpRequest) -> HttpResponseBase:
    """The program that recomputes a proof, as one file. For everyone: it says nothing of anybody."""
    name = {"Content-Disposition": 'attachment; filename="plainbill-verify.pyz"'}
    return HttpResponse(verifier(), content_type="application/octet-stream", headers=name)


def _invoice(request: PortalRequest, number: str) -> Invoice:
    invoice = invoice_by_number(number, request.account)
    if invoice is None:
        raise Http404
    return invoice


def _electronic(request: PortalRequest, number: str) -> Invoice:
    invoice = _invoice(request, number)
    if not is_representable(invoice.currency):
        raise Http404
    return invoice


def _file(
    invoice: Invoice, written: Callable[[Invoice], bytes], suffix: str, media_type: str
) -> HttpResponseBase:
    name = {"Content-Disposition": f'attachment; filename="{invoice.number}.{suffix}"'}
    return HttpResponse(written(invoice), content_type=media_type, headers=name)


@require_safe
@page(place="invoices")
def show_line(request: PortalRequest, number: str, line: UUID) -> HttpResponseBase:
    after, day = request.GET.get("after", ""), request.GET.get("day", "")
    found = line_page(request.account, number, line, after, day)
    if found is None:
        raise Http404
    return show(request, "portal/invoice_line.html", found)
