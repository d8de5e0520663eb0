"""What waits in quarantine, for the first page of the admin."""

from django import template
from django.db.models import Count
from django.urls import reverse

from billing.usage.models import QuarantinedEvent

register = template.Library()


@register.simple_tag
def open_quarantine() -> list[tuple[str, int, str]]:
    """Each reason with events that are kept and do not count: its words, how many, and the page that lists them."""
    rows = QuarantinedEvent.objects.filter(replayed_at=None).values_list("reason").annotate(count=Count("pk"))
    found = dict(rows.order_by("reason"))
    page = reverse("admin:usage_quarantinedevent_changelist")
    return [
        (str(reason.label), found[reason.value], f"{page}?state=open&reason__exact={reason.value}")
        for reason in QuarantinedEvent.Reason
        if reason.value in found
    ]
