"""Limits for support staff: every version and every alert, to read. Limits are set on the customer's page or by API."""

from django.contrib import admin
from django.http import HttpRequest

from billing.limits.models import Alert, LimitVersion


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # the stubs' generic, which Django's own class is not
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(LimitVersion)
class LimitVersionAdmin(ReadOnly):
    list_display = ("account", "meter", "amount", "action", "thresholds", "since", "created_by")
    list_filter = ("action", "meter")
    search_fields = ("account__code", "account__name")
    list_select_related = ("account", "meter", "created_by")
    date_hierarchy = "since"
    ordering = ("-since",)


@admin.register(Alert)
class AlertAdmin(ReadOnly):
    list_display = ("account", "threshold", "spent", "limit", "created_at", "sent_at", "error")
    list_filter = (("sent_at", admin.EmptyFieldListFilter), "threshold")
    search_fields = ("account__code", "account__name")
    list_select_related = ("account", "limit")
    date_hierarchy = "created_at"
