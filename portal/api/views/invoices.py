"""Issued invoices and credit notes, their files, and the events behind their lines."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.http import FileResponse, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from billing.invoices.einvoice import invoice_cii, invoice_ubl, is_representable
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.pdf import invoice_pdf
from billing.invoices.proof import proof_file
from billing.invoices.queries import charge_of_line, invoice_by_number, invoice_data
from billing.pricing.dates import utc
from billing.pricing.money import plain
from billing.usage.queries import LineEvent, events_of_line
from portal.api.auth import account_of, api_key
from portal.api.paging import bad_cursor, next_url, page_of_rows, read_cursor, write_cursor
from portal.api.problems import not_found
from portal.api.query import PageQuery, read_query
from portal.api.schema import listed, paged
from portal.api.serializers.invoices import InvoiceAnswer
from portal.api.serializers.usage import EventAnswer
from portal.api.views.base import ApiView
from portal.files import download

XML: Final = "application/xml"


class InvoicesView(ApiView):
    @extend_schema(operation_id="list_invoices", parameters=paged(), responses=listed(InvoiceAnswer))
    def get(self, request: Request, account: str) -> Response:
        """The account's documents, newest first. What is not issued yet is /spend."""
        rows = Invoice.objects.filter(account=account_of(request, account)).select_related("account")
        page = page_of_rows(request, rows.prefetch_related("lines"), ["-issued_at", "-id"], invoice_data)
        return Response(page)


class InvoiceView(ApiView):
    @extend_schema(operation_id="get_invoice", responses=InvoiceAnswer)
    def get(self, request: Request, number: str) -> Response:
        """One document."""
        read_query(request)
        return Response(invoice_data(invoice_of(request, number)))


class InvoicePdfView(ApiView):
    @extend_schema(
        operation_id="get_invoice_pdf",
        responses={(200, "application/pdf"): OpenApiResponse(OpenApiTypes.BINARY, "The paper.")},
    )
    def get(self, request: Request, number: str) -> HttpResponse:
        """The document on paper."""
        read_query(request)
        invoice = invoice_of(request, number)
        name = {"Content-Disposition": f'attachment; filename="{invoice.number}.pdf"'}
        return HttpResponse(invoice_pdf(invoice), content_type="application/pdf", headers=name)


def _xml(view: str) -> OpenApiResponse:
    return OpenApiResponse(OpenApiTypes.STR, f"The electronic invoice, EN 16931: {view}.")


class InvoiceCiiView(ApiView):
    @extend_schema(
        operation_id="get_invoice_xml", responses={(200, XML): _xml("UN/CEFACT Cross Industry Invoice")}
    )
    def get(self, request: Request, number: str) -> HttpResponse:
        """The document as CII, the file that its PDF carries (Factur-X). 404 in currencies of three decimals."""
        return _electronic(request, number, invoice_cii, "xml")


class InvoiceUblView(ApiView):
    @extend_schema(
        operation_id="get_invoice_ubl_xml", responses={(200, XML): _xml("UBL 2.1 Invoice or CreditNote")}
    )
    def get(self, request: Request, number: str) -> HttpResponse:
        """The document as UBL. 404 in currencies of three decimals."""
        return _electronic(request, number, invoice_ubl, "ubl.xml")


class InvoiceProofView(ApiView):
    @extend_schema(
        operation_id="get_invoice_proof",
        responses={
            (200, "application/zip"): OpenApiResponse(
                OpenApiTypes.BINARY,
                "Events, plan versions, rules and the document, with their hashes: "
                "`plainbill-verify` recomputes the document from it.",
            )
        },
    )
    def get(self, request: Request, number: str) -> FileResponse:
        """The proof of the document, to be recomputed offline. The same bytes each time, while nothing was corrected
        or paid."""
        read_query(request)
        invoice = invoice_of(request, number)
        return download(proof_file(invoice), f"{invoice.number}-proof.zip", "application/zip")


class LineEventsView(ApiView):
    @extend_schema(operation_id="list_line_events", parameters=paged(), responses=listed(EventAnswer))
    def get(self, request: Request, number: str, line: UUID) -> Response:
        """The events that a usage line charges, in time order, each with what it cost; other lines have none."""
        found = (
            invoice_of(request, number)
            .lines.select_related("version__plan", "period__account")
            .filter(pk=line)
        )
        row = found.first()
        if row is None:
            raise not_found()
        asked = read_query(request, PageQuery)
        after = _position(asked["cursor"]) if asked.get("cursor") else None
        rows, following = _events(row, after, asked["limit"])
        cursor = write_cursor([utc(following[0]), utc(following[1]), *following[2:]]) if following else None
        return Response({"results": [_event_data(each) for each in rows], "next": next_url(request, cursor)})


def _electronic(
    request: Request, number: str, written: Callable[[Invoice], bytes], suffix: str
) -> HttpResponse:
    read_query(request)
    invoice = invoice_of(request, number)
    if not is_representable(invoice.currency):
        raise not_found(
            f"There is no electronic invoice in {invoice.currency}: EN 16931 allows two decimals at most."
        )
    name = {"Content-Disposition": f'attachment; filename="{invoice.number}.{suffix}"'}
    return HttpResponse(written(invoice), content_type=XML, headers=name)


def invoice_of(request: Request, number: str) -> Invoice:
    """The document, or problem 404 where it is unknown or not the key's."""
    key = api_key(request)
    found = invoice_by_number(number, key.account) if len(number) <= 60 and "\x00" not in number else None
    if found is None:
        raise not_found()
    return found


type _Position = tuple[datetime, datetime, str, str]


def _events(
    line: InvoiceLine, after: _Position | None, limit: int
) -> tuple[tuple[LineEvent, ...], _Position | None]:
    charge = charge_of_line(line)
    if charge is None or line.period is None or line.kind != "usage":
        return (), None
    return events_of_line(line.period, charge, line.start, line.end, after, limit)


def _position(cursor: str) -> _Position:
    time, received, source, event_id = read_cursor(cursor, 4)
    try:
        first, second = datetime.fromisoformat(time), datetime.fromisoformat(received)
    except ValueError as error:
        raise bad_cursor() from error
    if first.utcoffset() is None or second.utcoffset() is None:
        raise bad_cursor()
    return first, second, source, event_id


def _event_data(row: LineEvent) -> dict[str, Any]:
    event = row.event
    return {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": utc(event.time),
        "received_at": utc(event.received_at),
        "revision": event.revision,
        "data": event.data,
        "quantity": plain(row.quantity),
        "cost": plain(row.cost),
    }
