"""What customers were told about their documents, questions that hold reminders back, and payments by card."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.invoices.models import Invoice
from billing.limits.admin import ReadOnly
from billing.payments.models import Attempt, Card, Hold, Notice, Payer
from billing.payments.notices import is_on_hold
from billing.pricing.money import money_string


@admin.register(Notice)
class NoticeAdmin(ReadOnly):
    list_display = ("created_at", "invoice", "account", "kind", "number", "sent_at", "error")
    list_filter = ("kind", ("sent_at", admin.EmptyFieldListFilter))
    list_select_related = ("invoice", "account")
    search_fields = ("invoice__number", "account__code")
    date_hierarchy = "created_at"


@admin.register(Attempt)
class AttemptAdmin(ReadOnly):
    """What was asked of cards. `reference` finds it at the provider."""

    list_display = (
        "created_at",
        "invoice",
        "account",
        "sum",
        "card",
        "state",
        "code",
        "automatic",
        "excess",
    )
    list_filter = ("state", "automatic", ("excess_returned_at", admin.EmptyFieldListFilter))
    list_select_related = ("invoice", "account", "card")
    search_fields = ("invoice__number", "account__code", "reference")
    date_hierarchy = "created_at"

    @admin.display(description=gettext_lazy("amount"), ordering="amount")
    def sum(self, attempt: Attempt) -> str:
        currency = attempt.invoice.currency
        return f"{money_string(attempt.amount, currency)} {currency}"


@admin.register(Card)
class CardAdmin(ReadOnly):
    list_display = ("account", "__str__", "exp_month", "exp_year", "is_default", "added_at", "removed_at")
    list_filter = ("is_default", ("removed_at", admin.EmptyFieldListFilter))
    list_select_related = ("account",)
    search_fields = ("account__code", "last4", "reference")


@admin.register(Payer)
class PayerAdmin(ReadOnly):
    """Accounts at the card provider."""

    list_display = ("account", "provider", "reference", "automatic_since", "created_at")
    list_filter = (("automatic_since", admin.EmptyFieldListFilter),)
    list_select_related = ("account",)
    search_fields = ("account__code", "reference")


class HoldForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean_invoice(self) -> Invoice:
        invoice: Invoice = self.cleaned_data["invoice"]
        if is_on_hold(invoice):
            raise forms.ValidationError(_("A question about it is open already: answer that one first."))
        return invoice


@admin.register(Hold)
class HoldAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # the stubs' generic, which Django's own class is not
    """Written down when a customer asks, answered by the action."""

    form = HoldForm
    fields = ("invoice", "question")
    list_display = ("invoice", "account", "question", "since", "created_by", "answered_at")
    list_filter = (("answered_at", admin.EmptyFieldListFilter),)
    list_select_related = ("invoice", "account", "created_by")
    search_fields = ("invoice__number", "account__code", "question")
    raw_id_fields = ("invoice",)
    actions = ("answered",)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Hold, form: Any, change: bool) -> None:
        obj.account = obj.invoice.account
        obj.created_by = request.user if request.user.is_authenticated else None
        super().save_model(request, obj, form, change)

    @admin.action(description=gettext_lazy("The question is answered"), permissions=["add"])
    def answered(self, request: HttpRequest, queryset: QuerySet[Hold]) -> None:
        count = queryset.filter(answered_at=None).update(answered_at=timezone.now())
        words = ngettext("%d question is answered.", "%d questions are answered.", count)
        self.message_user(request, words % count, messages.SUCCESS)
