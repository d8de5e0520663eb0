"""Changes of billing/limits, each in one transaction."""

from billing.limits.actions.alerts import raise_alerts
from billing.limits.actions.limits import set_limit
from billing.limits.actions.refusals import note_refusal

__all__ = ["note_refusal", "raise_alerts", "set_limit"]
