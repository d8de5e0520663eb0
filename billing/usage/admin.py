"""Quarantine and events for support staff: to read, and to try quarantined events again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.usage.models import EventRow, QuarantinedEvent
from billing.usage.replay import replay_rows


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # the stubs' generic, which Django's own class is not
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(QuarantinedEvent)
class QuarantinedEventAdmin(ReadOnly):
    list_display = ("subject", "type", "event_id", "source", "reason", "received_at", "replayed_at", "error")
    list_filter = (
        ("replayed_at", admin.EmptyFieldListFilter),
        "reason",
        ("error", admin.EmptyFieldListFilter),
    )
    search_fields = ("subject__exact", "type__exact", "event_id__exact")
    search_help_text = gettext_lazy("Account code, event type or event id, whole")
    exclude = ("digest",)
    ordering = ("-id",)
    actions = ("replay",)

    @admin.action(description=gettext_lazy("Try these events again"), permissions=["view"])
    def replay(self, request: HttpRequest, queryset: QuerySet[QuarantinedEvent]) -> None:
        result = replay_rows(queryset.values_list("pk", flat=True))
        text = _(
            "%(accepted)d accepted, %(duplicates)d known already, %(waiting)d still waiting, %(rejected)d rejected."
        )
        values = {
            "accepted": result.accepted,
            "duplicates": result.duplicates,
            "waiting": result.quarantined,
            "rejected": len(result.rejected),
        }
        self.message_user(request, text % values, messages.SUCCESS)


@admin.register(EventRow)
class EventAdmin(ReadOnly):
    """Events are found by account, and there by id: nobody browses all of them."""

    list_display = ("time", "account", "type", "event_id", "source", "revision", "voided")
    search_fields = ("event_id",)
    search_help_text = gettext_lazy("Account code; or account code and event id")
    show_full_result_count = False
    list_select_related = ("account",)
    ordering = ("-time",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        code, _space, event_id = search_term.strip().partition(" ")
        found = queryset.filter(account__code=code)
        return (found.filter(event_id=event_id.strip()) if event_id else found), False

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> EventRow | None:
        """By the three parts of the key, which have an index."""
        try:
            account, size, rest = object_id.split("/", 2)
            source = rest.encode()[: int(size)].decode()
            event_id = rest.encode()[int(size) + 1 :].decode()
            return EventRow.objects.filter(account_id=int(account), source=source, event_id=event_id).first()
        except ValueError:
            return None
