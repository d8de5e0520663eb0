"""The webhooks of an account: the addresses, and what became of what each was sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import OuterRef, Subquery

from accounts.models import Account
from billing.webhooks.models import Delivery, Endpoint, EventType

DELIVERIES: Final = 50
_LOOKS: Final = {
    Delivery.State.DELIVERED: ("ok", "ok"),
    Delivery.State.WAITING: ("mute", "wait"),
    Delivery.State.GIVEN_UP: ("bad", "bad"),
}


@dataclass(frozen=True, slots=True)
class WebhookForm:
    """What the form holds: nothing, or as typed with its errors."""

    url: str = ""
    description: str = ""
    types: Sequence[str] = field(default_factory=lambda: list(EventType.values))
    errors: tuple[tuple[str, str], ...] = ()

    @property
    def url_error(self) -> str:
        return next((sentence for name, sentence in self.errors if name == "url"), "")

    @property
    def types_error(self) -> str:
        return next((sentence for name, sentence in self.errors if name == "types"), "")


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """An address; `failing` while its last try failed, `last` when it was last tried."""

    endpoint: Endpoint
    last: datetime | None

    @property
    def failing(self) -> bool:
        return self.endpoint.failing_since is not None


@dataclass(frozen=True, slots=True)
class WebhooksPage:
    rows: Sequence[WebhookRow]
    form: WebhookForm
    types: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery: its word with tone and icon, and why the last try failed."""

    delivery: Delivery
    what: str
    tone: str
    icon: str
    error: str
    payload: str


@dataclass(frozen=True, slots=True)
class WebhookPage:
    """`secret` is set once: when it was just made."""

    endpoint: Endpoint
    types: Sequence[str]
    deliveries: Sequence[DeliveryRow]
    secret: str = ""


def webhooks_page(account: Account, form: WebhookForm | None = None) -> WebhooksPage:
    last = Delivery.objects.filter(endpoint=OuterRef("pk"), last_tried_at__isnull=False)
    latest = Subquery(last.order_by("-last_tried_at").values("last_tried_at")[:1])
    rows = Endpoint.objects.filter(account=account).annotate(last=latest)
    return WebhooksPage(
        [WebhookRow(row, row.last) for row in rows],
        form or WebhookForm(),
        [(value, str(label)) for value, label in EventType.choices],
    )


def webhook_page(endpoint: Endpoint, secret: str = "") -> WebhookPage:
    rows = Delivery.objects.filter(endpoint=endpoint).select_related("message")[:DELIVERIES]
    labels = dict(EventType.choices)
    return WebhookPage(
        endpoint, [str(labels[each]) for each in endpoint.types], [_row(row) for row in rows], secret
    )


def _row(delivery: Delivery) -> DeliveryRow:
    tone, icon = _LOOKS[delivery.state]
    what = delivery.message.type
    error = "" if delivery.delivered_at else delivery.get_error_display() if delivery.error else ""
    if error and delivery.error == Delivery.Error.STATUS:
        error = f"{error} ({delivery.response_status})"
    payload = bytes(delivery.message.payload).decode()
    return DeliveryRow(delivery, what, tone, icon, error, payload)
