"""Webhooks for support staff: addresses and deliveries, to read and to send again. Secrets are not shown."""

from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.webhooks.actions import send_again
from billing.webhooks.errors import WebhookError
from billing.webhooks.models import Delivery, Endpoint

STATES: Final = {
    Delivery.State.WAITING: Q(next_try_at__isnull=False),
    Delivery.State.DELIVERED: Q(delivered_at__isnull=False),
    Delivery.State.GIVEN_UP: Q(next_try_at=None, delivered_at=None),
}


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # the stubs' generic, which Django's own class is not
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(state.value, state.label) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = next((wanted for state, wanted in STATES.items() if state.value == self.value()), Q())
        return queryset.filter(chosen)


@admin.register(Endpoint)
class EndpointAdmin(ReadOnly):
    list_display = ("url", "account", "description", "off", "failing_since", "created_at", "created_by")
    list_filter = (
        "off",
        ("failing_since", admin.EmptyFieldListFilter),
        ("account", admin.EmptyFieldListFilter),
    )
    search_fields = ("url", "account__code", "account__name")
    list_select_related = ("account", "created_by")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    list_display = (
        *("created_at", "account", "endpoint", "type", "state", "attempts", "response_status", "error"),
        *("last_tried_at", "next_try_at"),
    )
    list_filter = (StateFilter, "error", "message__type", "message__test")
    search_fields = ("endpoint__url", "account__code", "account__name", "message__id")
    list_select_related = ("account", "endpoint", "message")
    date_hierarchy = "created_at"
    actions = ("try_again",)

    @admin.display(ordering="message__type")
    def type(self, delivery: Delivery) -> str:
        return delivery.message.type

    @admin.display
    def state(self, delivery: Delivery) -> str:
        return str(delivery.state.label)

    # Reading is enough to see the list, and trying again changes nothing that was said.
    @admin.action(description=gettext_lazy("Try again now"), permissions=["view"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        sent, errors = 0, set[str]()
        for delivery in queryset.select_related("endpoint").order_by("created_at"):
            try:
                send_again(delivery)
                sent += 1
            except WebhookError as error:
                errors.add(error.sentence)
        if sent:
            self.message_user(request, _("%d are sent again now.") % sent, messages.SUCCESS)
        for sentence in sorted(errors):
            self.message_user(request, sentence, messages.WARNING)
