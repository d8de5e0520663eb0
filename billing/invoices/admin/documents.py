"""Invoices for support staff: to read, to print, and to record what was paid. Issued documents cannot be changed."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from billing.invoices.actions import PaymentError, record_payment
from billing.invoices.models import Invoice, InvoiceLine, Payment
from billing.invoices.pdf import invoice_pdf
from billing.invoices.queries import invoice_by_number, open_amount, status
from billing.limits.admin import ReadOnly
from billing.pricing.money import money_string, plain, round_money


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
    inlines: ClassVar = [LineInline]
    fieldsets: ClassVar = [
        (None, {"fields": ("number", "account", "kind", "state", "pdf", "pay")}),
        (_("Dates"), {"fields": ("issued_at", "due_at", "period_start", "period_end", "priced_at")}),
        (
            _("Amounts"),
            {"fields": ("subtotal", "tax_total", "total", "credits_applied", "amount_due", "still_open")},
        ),
        (_("As issued"), {"fields": ("snapshot",), "classes": ("collapse",)}),
    ]
    readonly_fields = ("state", "pdf", "pay", "still_open")

    def get_urls(self) -> list[URLPattern]:
        mine = path(
            "<str:number>/pdf/", self.admin_site.admin_view(self.show_pdf), name="invoices_invoice_pdf"
        )
        return [mine, *super().get_urls()]

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

    @admin.display(description=_("payment"))
    def pay(self, invoice: Invoice) -> str:
        if not open_amount(invoice):
            return "–"
        address = (
            f"{reverse('admin:invoices_payment_add')}?invoice={invoice.pk}&amount={open_amount(invoice)}"
        )
        return format_html('<a href="{}">{}</a>', address, _("Record a payment"))


class PaymentForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checks what `record_payment` will check, while the form can still say it beside the field."""

    class Meta:
        model = Payment
        fields = ("invoice", "amount", "received_at", "reference")

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        invoice, amount = found.get("invoice"), found.get("amount")
        if invoice is not None and amount is not None:
            left = open_amount(invoice)
            if not 0 < amount <= left or amount != round_money(amount, invoice.currency):
                shown = f"{money_string(left, invoice.currency)} {invoice.currency}"
                self.add_error("amount", _("Write an amount above zero and up to what is open: %s.") % shown)
        return found


@admin.register(Payment)
class PaymentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Payments are recorded here and never changed."""

    form = PaymentForm
    list_display = ("invoice", "account", "amount", "received_at", "method", "reference")
    list_select_related = ("invoice", "account")
    search_fields = ("invoice__number", "account__code", "reference")
    raw_id_fields = ("invoice",)
    date_hierarchy = "received_at"

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        return super().get_queryset(request).select_related("invoice", "account")

    def save_model(self, request: HttpRequest, obj: Payment, form: PaymentForm, change: bool) -> None:
        try:
            stored = record_payment(obj.invoice, obj.amount, obj.received_at, reference=obj.reference)
        except PaymentError as error:  # paid meanwhile: the transaction is rolled back with the answer
            raise Http404(str(error)) from error
        obj.pk, obj.account_id = stored.pk, stored.account_id
        obj._state.adding = False
