"""Changes of billing/webhooks: one verb, one function, one transaction."""

from billing.webhooks.actions.announce import CHANNEL, Fact, announce, announce_all
from billing.webhooks.actions.deliveries import send_again, send_test
from billing.webhooks.actions.endpoints import (
    add_endpoint,
    change_endpoint,
    read_types,
    remove_endpoint,
    rotate_secret,
)
from billing.webhooks.actions.switching import switch_off, switch_on

__all__ = [
    "CHANNEL",
    "Fact",
    "add_endpoint",
    "announce",
    "announce_all",
    "change_endpoint",
    "read_types",
    "remove_endpoint",
    "rotate_secret",
    "send_again",
    "send_test",
    "switch_off",
    "switch_on",
]
