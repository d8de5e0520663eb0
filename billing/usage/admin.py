"""Quarantine and events for support staff: to read, and to try quarantined events again."""

from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
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


STATES: Final = {
    "open": Q(replayed_at=None),
    "rejected": Q(replayed_at=None) & ~Q(error=""),
    "replayed": Q(replayed_at__isnull=False),
}
SHOWN = 20
"""Types and accounts that are offered as filters: who looks for another one can search for it."""


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("open", gettext_lazy("in quarantine")),
            ("rejected", gettext_lazy("in quarantine, rejected when tried again")),
            ("replayed", gettext_lazy("counted since")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(STATES.get(self.value() or "", Q()))


class MostOpenFilter(admin.SimpleListFilter):
    """The values with the most events in quarantine, each with their number. `parameter_name` is the field."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        field = str(self.parameter_name)
        rows = QuarantinedEvent.objects.filter(STATES["open"]).values_list(field)
        most = rows.annotate(count=Count("pk")).order_by("-count", field)[:SHOWN]
        return [(value, f"{value} ({count})") for value, count in most]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return (
            queryset if self.value() is None else queryset.filter(**{str(self.parameter_name): self.value()})
        )


class TypeFilter(MostOpenFilter):
    title = gettext_lazy("type")
    parameter_name = "type"


class AccountFilter(MostOpenFilter):
    title = gettext_lazy("account")
    parameter_name = "subject"


@admin.register(QuarantinedEvent)
class QuarantinedEventAdmin(ReadOnly):
    list_display = ("subject", "type", "event_id", "source", "reason", "received_at", "replayed_at", "error")
    list_filter = (StateFilter, "reason", TypeFilter, AccountFilter)
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
