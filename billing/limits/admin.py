"""Limits for support staff: versions, alerts and stops to read, and a decision about a customer's limit.

A decision is one more version, with a reason that the customer reads beside who made it.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from billing.limits.actions import set_limit
from billing.limits.errors import LimitError
from billing.limits.models import Alert, Drill, LimitVersion, Stop
from billing.limits.queries.versions import latest_version
from billing.limits.terms import THRESHOLDS


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # the stubs' generic, which Django's own class is not
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class DecisionForm(forms.ModelForm):  # type: ignore[type-arg]
    """Lift a stop (no amount) or set a limit, for a customer."""

    note = forms.CharField(
        label=_("Reason"), max_length=300, help_text=_("The customer reads it, with your name")
    )

    class Meta:
        model = LimitVersion
        fields = ("account", "meter", "amount", "action", "note")

    def __init__(self, *args: Any, by: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.by = by
        self.fields["amount"].help_text = _("Per billing period, in the account’s currency. Empty: no limit")

    def clean(self) -> dict[str, Any]:
        """Decide here, so that a refusal is shown at its field. Thresholds and pace stay as they are."""
        data: dict[str, Any] = super().clean() or {}
        if not self.errors:
            before = latest_version(data["account"], data["meter"])
            thresholds = before.thresholds if before else THRESHOLDS
            pace = before.pace if before else True
            more = {"pace": pace, "by": self.by, "note": data["note"]}
            try:
                self.made = set_limit(
                    data["account"], data["amount"], data["action"], thresholds, data["meter"], **more
                )
            except LimitError as error:
                self.add_error(error.field if error.field in self.fields else None, error.sentence)
        return data

    def validate_unique(self) -> None:
        """The version that `clean` has made is checked by the database."""

    def validate_constraints(self) -> None:
        """As above."""


@admin.register(LimitVersion)
class LimitVersionAdmin(ReadOnly):
    list_display = ("account", "meter", "amount", "action", "thresholds", "since", "created_by", "note")
    list_filter = ("action", "meter", ("note", admin.EmptyFieldListFilter))
    search_fields = ("account__code", "account__name")
    list_select_related = ("account", "meter", "created_by")
    date_hierarchy = "since"
    ordering = ("-since",)
    autocomplete_fields = ("account",)
    add_form_template = "admin/limits/limitversion/decide.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fields(request, obj) if obj else DecisionForm.Meta.fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **options)
        form = super().get_form(request, obj, change, **{**options, "form": DecisionForm})

        class ByThisPerson(form):  # type: ignore[misc,valid-type]
            def __init__(self, *args: Any, **more: Any) -> None:
                super().__init__(*args, by=request.user, **more)

        return ByThisPerson

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> LimitVersion:
        made: LimitVersion = form.made
        return made

    def save_model(self, request: HttpRequest, obj: LimitVersion, form: Any, change: bool) -> None:
        """The form has made it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing is edited beside it."""


@admin.register(Alert)
class AlertAdmin(ReadOnly):
    list_display = ("account", "threshold", "spent", "limit", "created_at", "sent_at", "error")
    list_filter = (("sent_at", admin.EmptyFieldListFilter), "threshold")
    search_fields = ("account__code", "account__name")
    list_select_related = ("account", "limit")
    date_hierarchy = "created_at"


@admin.register(Stop)
class StopAdmin(ReadOnly):
    list_display = ("account", "limit", "reached", "crossed_at", "created_at")
    search_fields = ("account__code", "account__name")
    list_select_related = ("account", "limit")
    date_hierarchy = "created_at"


@admin.register(Drill)
class DrillAdmin(ReadOnly):
    list_display = ("account", "limit", "asked_by", "created_at", "sent_at", "error")
    search_fields = ("account__code", "account__name")
    list_select_related = ("account", "limit", "asked_by")
    date_hierarchy = "created_at"
