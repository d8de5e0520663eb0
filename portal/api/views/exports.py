"""Files for other programs: FOCUS, usage, bookkeeping, the documents of a year."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request

from accounts.models import Account
from billing.invoices.exports.accounting import accounting_csv
from billing.invoices.exports.archive import archive
from billing.invoices.exports.espi import Span, greenbutton_xml, supplies, unit_of
from billing.invoices.exports.focus import focus_csv
from billing.invoices.exports.reading import Chosen, any_document
from billing.invoices.exports.usage import Asked, usage_csv
from billing.invoices.queries import invoice_by_number
from billing.plans.models import Meter
from billing.pricing.dates import local_date
from billing.usage.queries import UsageQueryError
from portal.api.auth import account_of
from portal.api.problems import Problem, invalid_parameter, not_found
from portal.api.query import read_query
from portal.api.serializers.exports import ArchiveQuery, DocumentsQuery, GreenButtonQuery, UsageExportQuery
from portal.api.views.base import ApiView
from portal.api.views.limits import meter_of
from portal.api.views.usage import asked_instant, asked_span
from portal.exports import ATOM, CSV, ZIP, file_name, of_span, of_year, sent

CSV_MEDIA: Final = CSV.partition(";")[0]


def _file(media_type: str, text: str) -> Any:
    return {(200, media_type): OpenApiResponse(OpenApiTypes.STR, text)}


class FocusView(ApiView):
    @extend_schema(
        operation_id="export_focus", parameters=[DocumentsQuery], responses=_file(CSV_MEDIA, "FOCUS 1.2.")
    )
    def get(self, request: Request, account: str) -> StreamingHttpResponse:
        """What was billed, as FOCUS 1.2. The costs of a document's rows sum to what it asks for."""
        return _of_documents(request, account, "focus", focus_csv)


class AccountingView(ApiView):
    @extend_schema(
        operation_id="export_accounting",
        parameters=[DocumentsQuery],
        responses=_file(CSV_MEDIA, "Sales by tax rate, credit and payments."),
    )
    def get(self, request: Request, account: str) -> StreamingHttpResponse:
        """Every amount of a document that bookkeeping posts, once."""
        return _of_documents(request, account, "accounting", accounting_csv)


class ArchiveView(ApiView):
    @extend_schema(
        operation_id="export_invoices",
        parameters=[ArchiveQuery],
        responses={(200, ZIP): OpenApiResponse(OpenApiTypes.BINARY, "A PDF and an XML of each document.")},
    )
    def get(self, request: Request, account: str) -> StreamingHttpResponse:
        """The documents of a year on paper, each with its electronic invoice. 404 where none was issued."""
        found = account_of(request, account)
        chosen = of_year(found, read_query(request, ArchiveQuery)["year"])
        if not any_document(chosen):
            raise not_found(f"No document was issued in {chosen.name}.")
        return sent(archive(chosen), file_name("invoices", found, chosen.name, "zip"), ZIP)


class UsageCsvView(ApiView):
    @extend_schema(
        operation_id="export_usage",
        parameters=[UsageExportQuery],
        responses=_file(CSV_MEDIA, "Quantities by meter, time and dimension values."),
    )
    def get(self, request: Request, account: str) -> StreamingHttpResponse:
        """Usage of all meters, or of one, as /usage has it; empty buckets are left out."""
        found = account_of(request, account)
        given = read_query(request, UsageExportQuery)
        meter = meter_of(given.get("meter"))
        start, end = asked_span(found, given)
        asked = Asked(
            account=found,
            meters=[meter] if meter else list(Meter.objects.order_by("code")),
            start=start,
            end=end,
            granularity=given["granularity"],
            group_by=given["group_by"].split(",") if given.get("group_by") else [],
        )
        _check(asked)
        which = _days(found, start, end) + (f"-{meter.code.replace(':', '_')}" if meter else "")
        return sent(usage_csv(asked), file_name("usage", found, which, "csv"), CSV)


class GreenButtonView(ApiView):
    @extend_schema(
        operation_id="export_green_button",
        parameters=[GreenButtonQuery],
        responses=_file(ATOM.partition(";")[0], "An Atom feed of ESPI resources."),
    )
    def get(self, request: Request, account: str) -> StreamingHttpResponse:
        """Energy, gas or water by intervals, as ESPI (Green Button format). 404 where no meter sums any of them."""
        found = account_of(request, account)
        given = read_query(request, GreenButtonQuery)
        meters = _supplies(given.get("meter"))
        start, end = asked_span(found, given)
        _check(Asked(found, meters, start, end, given["granularity"], []))
        span = Span(found, start, end, given["granularity"])
        return sent(
            greenbutton_xml(span, meters),
            file_name("greenbutton", found, _days(found, start, end), "xml"),
            ATOM,
        )


def _supplies(code: str | None) -> list[Meter]:
    meter = meter_of(code)
    if meter is None:
        found = supplies()
        if not found:
            raise not_found("No meter of the catalogue sums energy, gas or water, by its unit_code.")
        return found
    if unit_of(meter) is None:
        known = ", ".join(each.code for each in supplies()) or "none"
        detail = f"It does not sum energy, gas or water, by its unit_code. Meters that do: {known}."
        raise Problem("not_a_supply", f"meter: {detail}", [{"parameter": "meter", "detail": detail}])
    return [meter]


def _check(asked: Asked) -> None:
    try:
        asked.check()
    except UsageQueryError as error:
        raise invalid_parameter(error.field, str(error)) from error


def _days(account: Account, start: datetime, end: datetime) -> str:
    return "-to-".join(local_date(at, account.timezone).isoformat() for at in (start, end))


def _of_documents(
    request: Request, account: str, what: str, written: Callable[[Chosen], Iterator[bytes]]
) -> StreamingHttpResponse:
    chosen = chosen_documents(account_of(request, account), read_query(request, DocumentsQuery))
    return sent(written(chosen), file_name(what, chosen.account, chosen.name, "csv"), CSV)


def chosen_documents(account: Account, asked: dict[str, Any]) -> Chosen:
    """The documents that `DocumentsQuery` names; problem 404 for a number that is not the account's."""
    ways = [name for name in ("invoice", "year", "from", "to") if name in asked]
    if len(ways) > 1 and ways != ["from", "to"]:
        raise invalid_parameter(ways[1], f"Leave it out, or leave {ways[0]} out: they exclude each other.")
    now = timezone.now()
    if "invoice" in asked:
        invoice = invoice_by_number(asked["invoice"], account)
        if invoice is None:
            raise not_found()
        return Chosen(account, now, invoice.number, number=invoice.number)
    if "year" in asked:
        return of_year(account, asked["year"])
    since, before = asked_instant(asked, "from", account), asked_instant(asked, "to", account) or now
    if since is not None and since >= before:
        raise invalid_parameter("to" if "to" in asked else "from", "Must be from < to; to is now by default.")
    return of_span(account, since, before)
