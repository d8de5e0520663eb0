"""The ledger for support staff: to read, and to record that credit was paid out."""

from typing import ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from accounts.admin import ReadOnlyInline
from billing.invoices.admin.entries import entry_view
from billing.invoices.admin.forms import RefundForm
from billing.invoices.ledger.models import LedgerEntry, LedgerTransaction
from billing.limits.admin import ReadOnly
from billing.pricing.money import money_string


class EntryInline(ReadOnlyInline):
    model = LedgerEntry
    fk_name = "transaction"
    fields = readonly_fields = ("book", "sum", "invoice", "credit")

    @admin.display(description=_("amount"))
    def sum(self, entry: LedgerEntry) -> str:
        return f"{money_string(entry.amount, entry.account.currency)} {entry.account.currency}"


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(ReadOnly):
    list_display = ("id", "account", "kind", "document", "payment", "reference", "posted_by", "at")
    list_filter = ("kind",)
    list_select_related = ("account", "document", "payment")
    search_fields = ("account__code", "document__number", "reference")
    date_hierarchy = "at"
    ordering = ("-id",)
    inlines: ClassVar = [EntryInline]
    change_list_template = "admin/invoices/ledgertransaction/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        refund = path(
            "refund/", self.admin_site.admin_view(self.refund_view), name="invoices_ledgertransaction_refund"
        )
        return [refund, *super().get_urls()]

    def refund_view(self, request: HttpRequest) -> HttpResponse:
        """Credit that was paid out."""
        return entry_view(self, request, RefundForm, _("Record a refund"), "invoices.add_ledgertransaction")
