"""Reads of billing/limits. All are from committed rows; nothing is kept between two questions."""

from billing.limits.queries.allowance import Allowance, allowance
from billing.limits.queries.clamping import Clamped, clamp
from billing.limits.queries.receipts import Cause, Firing, Receipt, firings, receipt, receipt_of
from billing.limits.queries.standing import LimitStanding, Standing, State, standing
from billing.limits.queries.versions import current_limit, current_limits, limit_data
from billing.limits.queries.window import continued, cut_periods, limit_versions, versions_in

__all__ = [
    "Allowance",
    "Cause",
    "Clamped",
    "Firing",
    "LimitStanding",
    "Receipt",
    "Standing",
    "State",
    "allowance",
    "clamp",
    "continued",
    "current_limit",
    "current_limits",
    "cut_periods",
    "firings",
    "limit_data",
    "limit_versions",
    "receipt",
    "receipt_of",
    "standing",
    "versions_in",
]
