"""Lines that wait for the next document, for support staff: to read, to add an adjustment, to take one back."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from billing.invoices.actions.adjustments import ADJUSTMENT, adjust, take_adjustment_back
from billing.invoices.errors import EntryError
from billing.plans.admin.fields import TextsField
from billing.plans.models import PendingLine, TaxRate
from billing.pricing.charges import localized
from billing.pricing.money import money_string


class AdjustmentForm(forms.ModelForm):  # type: ignore[type-arg]
    note = TextsField(label=_("Text"), help_text=_("What the customer reads on the document."))
    tax = forms.ChoiceField(
        label=_("Tax"), required=False, help_text=_("Of the catalogue. Empty: the one that the account has.")
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        help_text=_("Why. Kept with your name; the customer does not see it."),
    )

    class Meta:
        model = PendingLine
        fields = ("account", "amount", "tax")

    def __init__(self, *args: Any, by: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.by = by
        self.fields["amount"].help_text = _(
            "Before tax, in the account’s currency. Below zero: in the customer’s favour."
        )
        codes = TaxRate.objects.order_by("code").values_list("code", flat=True).distinct()
        self.fields["tax"].choices = [("", "---------"), *((code, code) for code in codes)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Enter it here, so that a refusal is shown at its field."""
        data: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                self.made = adjust(
                    data["account"],
                    data["amount"],
                    data["note"],
                    data["tax"],
                    reason=data["reason"],
                    by=self.by,
                )
            except EntryError as error:
                self.add_error(error.field or None, str(error))
        return data


@admin.register(PendingLine)
class PendingLineAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("account", "kind", "text", "sum", "tax", "created_at", "invoiced_at")
    list_filter = ("kind", ("invoiced_at", admin.EmptyFieldListFilter))
    list_select_related = ("account",)
    search_fields = ("account__code", "account__name")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    fields = ("account", "kind", "text", "sum", "tax", "reason", "entered_by", "created_at", "invoiced_at")
    readonly_fields = ("text", "sum", "reason", "entered_by")
    actions = None

    @admin.display(description=_("text"))
    def text(self, line: PendingLine) -> str:
        return localized(line.description, get_language() or "en")

    @admin.display(description=_("amount"))
    def sum(self, line: PendingLine) -> str:
        return f"{money_string(line.amount, line.account.currency)} {line.account.currency}"

    @admin.display(description=_("reason"))
    def reason(self, line: PendingLine) -> str:
        return str(line.detail.get("reason", ""))

    @admin.display(description=_("entered by"))
    def entered_by(self, line: PendingLine) -> str:
        return str(line.detail.get("entered_by", ""))

    def get_fields(self, request: HttpRequest, obj: PendingLine | None = None) -> Any:
        return self.fields if obj else ("account", "amount", "note", "tax", "reason")

    def get_readonly_fields(self, request: HttpRequest, obj: PendingLine | None = None) -> tuple[str, ...]:
        return self.readonly_fields if obj else ()

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("account",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **options)
        form = super().get_form(request, obj, change, **{**options, "form": AdjustmentForm})

        class ByThisPerson(form):  # type: ignore[misc,valid-type]
            def __init__(self, *args: Any, **more: Any) -> None:
                super().__init__(*args, by=request.user, **more)

        return ByThisPerson

    def has_change_permission(self, request: HttpRequest, obj: PendingLine | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PendingLine | None = None) -> bool:
        """An adjustment is taken back while it waits; changes of plan are taken back as such."""
        mine = obj is None or (obj.kind == ADJUSTMENT and obj.invoiced_at is None)
        return mine and super().has_delete_permission(request, obj)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> PendingLine:
        made: PendingLine = form.made
        return made

    def save_model(self, request: HttpRequest, obj: PendingLine, form: Any, change: bool) -> None:
        """The form has made it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing is edited beside it."""

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[dict[str, dict[str, Any]]]:
        """What the log says beside who and when."""
        return [{"added": {"name": "adjustment", "object": form.cleaned_data["reason"]}}]

    def delete_model(self, request: HttpRequest, obj: PendingLine) -> None:
        take_adjustment_back(obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except EntryError as error:  # invoiced while the page was open
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:plans_pendingline_changelist"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[PendingLine]:
        return super().get_queryset(request).select_related("account")
