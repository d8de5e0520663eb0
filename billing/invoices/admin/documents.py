"""Invoices for support staff: to read, to print, and to record what was paid. Issued documents cannot be changed."""

from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_protect

from billing.invoices.admin.entries import entry_view
from billing.invoices.admin.forms import CreditNoteForm, PaymentForm, PrepaymentForm, ReversalForm
from billing.invoices.models import Invoice, InvoiceLine, Payment
from billing.invoices.pdf import invoice_pdf
from billing.invoices.queries import invoice_by_number, open_amount, status
from billing.limits.admin import ReadOnly
from billing.pricing.money import money_string, plain


class LineInline(admin.TabularInline):  # type: ignore[type-arg]  # the stubs' generic, which Django's own class is not
    model = InvoiceLine
    fields = ("position", "kind", "description", "start", "end", "used", "charged", "tax_code")
    readonly_fields = fields
    ordering = ("position",)
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.display(description=_("quantity"))
    def used(self, line: InvoiceLine) -> str:
        return f"{plain(line.quantity)} {line.unit}" if line.quantity else ""

    @admin.display(description=_("amount"))
    def charged(self, line: InvoiceLine) -> str:
        return money_string(line.amount, line.invoice.currency)


@admin.register(Invoice)
class InvoiceAdmin(ReadOnly):
    list_display = ("number", "account", "kind", "issued_at", "due_at", "sum", "still_open", "state", "pdf")
    list_filter = ("kind", "currency", "series")
    search_fields = ("number", "account__code", "account__name")
    list_select_related = ("account",)
    date_hierarchy = "issued_at"
    ordering = ("-issued_at", "-sequence")
    change_list_template = "admin/invoices/invoice/change_list.html"
    inlines: ClassVar = [LineInline]
    fieldsets: ClassVar = [
        (None, {"fields": ("number", "account", "kind", "state", "pdf", "pay", "give_back", "taken_back")}),
        (_("Dates"), {"fields": ("issued_at", "due_at", "period_start", "period_end", "priced_at")}),
        (
            _("Amounts"),
            {"fields": ("subtotal", "tax_total", "total", "credits_applied", "amount_due", "still_open")},
        ),
        (_("As issued"), {"fields": ("snapshot",), "classes": ("collapse",)}),
    ]
    readonly_fields = ("state", "pdf", "pay", "still_open", "give_back", "taken_back")

    def get_urls(self) -> list[URLPattern]:
        mine = path(
            "<str:number>/pdf/", self.admin_site.admin_view(self.show_pdf), name="invoices_invoice_pdf"
        )
        note = path(
            "<str:number>/credit-note/",
            self.admin_site.admin_view(self.credit_note_view),
            name="invoices_invoice_credit_note",
        )
        advance = path(
            "prepayment/",
            self.admin_site.admin_view(self.prepayment_view),
            name="invoices_invoice_prepayment",
        )
        return [advance, mine, note, *super().get_urls()]

    def credit_note_view(self, request: HttpRequest, number: str) -> HttpResponse:
        """Choose what is given back, see the credit note, confirm it."""
        invoice = invoice_by_number(number) if self.has_view_permission(request) else None
        if invoice is None:
            raise Http404
        title = _("Credit note for %s") % invoice.number
        return entry_view(self, request, partial(CreditNoteForm, invoice), title, "invoices.add_invoice")

    def prepayment_view(self, request: HttpRequest) -> HttpResponse:
        """Money in advance becomes an invoice and credit."""
        return entry_view(self, request, PrepaymentForm, _("Record a prepayment"), "invoices.add_invoice")

    def show_pdf(self, request: HttpRequest, number: str) -> HttpResponse:
        invoice = invoice_by_number(number) if self.has_view_permission(request) else None
        if invoice is None:
            raise Http404
        name = {"Content-Disposition": f'inline; filename="{invoice.number}.pdf"'}
        return HttpResponse(invoice_pdf(invoice), content_type="application/pdf", headers=name)

    @admin.display(description=_("total"))
    def sum(self, invoice: Invoice) -> str:
        return f"{money_string(invoice.total, invoice.currency)} {invoice.currency}"

    @admin.display(description=_("open"))
    def still_open(self, invoice: Invoice) -> str:
        return money_string(open_amount(invoice), invoice.currency)

    @admin.display(description=_("status"))
    def state(self, invoice: Invoice) -> str:
        return str({"issued": _("issued"), "paid": _("paid"), "void": _("void")}[status(invoice)])

    @admin.display(description=_("PDF"))
    def pdf(self, invoice: Invoice) -> str:
        return format_html(
            '<a href="{}">PDF</a>', reverse("admin:invoices_invoice_pdf", args=[invoice.number])
        )

    @admin.display(description=_("credit note"))
    def give_back(self, invoice: Invoice) -> str:
        may_not = invoice.kind != Invoice.Kind.INVOICE or "prepayment" in invoice.snapshot
        if may_not or status(invoice) == "void":
            return "–"
        address = reverse("admin:invoices_invoice_credit_note", args=[invoice.number])
        return format_html('<a href="{}">{}</a>', address, _("Give back, wholly or by line"))

    @admin.display(description=_("credit notes"))
    def taken_back(self, invoice: Invoice) -> str:
        numbers = invoice.credit_notes.order_by("issued_at").values_list("number", flat=True)
        return ", ".join(numbers) or "–"

    @admin.display(description=_("payment"))
    def pay(self, invoice: Invoice) -> str:
        if not open_amount(invoice):
            return "–"
        left = money_string(open_amount(invoice), invoice.currency)
        address = f"{reverse('admin:invoices_payment_add')}?invoice={invoice.number}&amount={left}"
        return format_html('<a href="{}">{}</a>', address, _("Record a payment"))


@admin.register(Payment)
class PaymentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Payments are recorded here and never changed; one that was returned is taken back by another row."""

    list_display = ("invoice", "account", "sum", "received_at", "method", "reference", "back")
    list_select_related = ("invoice", "account", "reversal")
    search_fields = ("invoice__number", "account__code", "reference")
    date_hierarchy = "received_at"

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        return super().get_queryset(request).select_related("invoice", "account", "reversal")

    def get_urls(self) -> list[URLPattern]:
        back = path(
            "<uuid:key>/take-back/",
            self.admin_site.admin_view(self.take_back_view),
            name="invoices_payment_take_back",
        )
        return [back, *super().get_urls()]

    def take_back_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """What it opens again is seen first, then confirmed."""
        payment = self.get_queryset(request).filter(pk=key).first()
        if payment is None or not self.has_view_permission(request):
            raise Http404
        title = _("Take a payment for %s back") % payment.invoice.number
        return entry_view(self, request, partial(ReversalForm, payment), title, "invoices.add_payment")

    @admin.display(description=_("amount"), ordering="amount")
    def sum(self, payment: Payment) -> str:
        currency = payment.invoice.currency
        return f"{money_string(payment.amount, currency)} {currency}"

    @admin.display(description=_("taken back"))
    def back(self, payment: Payment) -> str:
        if payment.reverses_id or "prepayment" in payment.invoice.snapshot:
            return "–"
        if hasattr(payment, "reversal"):
            return date_format(payment.reversal.received_at, "SHORT_DATE_FORMAT")
        address = reverse("admin:invoices_payment_take_back", args=[payment.pk])
        return format_html('<a href="{}">{}</a>', address, _("Take back"))

    @method_decorator(csrf_protect)
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What it leaves open is seen first, then confirmed."""
        return entry_view(self, request, PaymentForm, _("Record a payment"), "invoices.add_payment")
