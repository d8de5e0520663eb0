"""Changes of billing/webhooks: one verb, one function, one transaction."""

from billing.webhooks.actions.announce import CHANNEL, announce

__all__ = ["CHANNEL", "announce"]
