"""Changes of billing/limits, each in one transaction."""

from billing.limits.actions.alerts import raise_alerts
from billing.limits.actions.limits import set_limit

__all__ = ["raise_alerts", "set_limit"]
