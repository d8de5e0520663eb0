"""Reads of billing/plans. `current_period` and `period_at` also store the periods that have begun."""

from billing.plans.queries.catalog import catalog_data, latest_version, meters_data, plans_data, public_plans
from billing.plans.queries.coupons import RedeemedCoupon, key_of, redeemed_coupons, redemptions_of
from billing.plans.queries.periods import (
    NextPeriod,
    base_charge,
    begin_periods,
    coming_period,
    current_period,
    next_period_dates,
    period_at,
    phases,
    span_days,
    span_share,
    spans_in,
)
from billing.plans.queries.subscriptions import (
    currency_is_fixed,
    ended_subscription,
    had_trial,
    running_subscription,
    scheduled_change,
    span_data,
    status,
    subscription_data,
    version_at,
)
from billing.plans.queries.taxes import tax_for
from billing.plans.queries.terms import meters_as_published, plan_terms, published_terms

__all__ = [
    "NextPeriod",
    "RedeemedCoupon",
    "base_charge",
    "begin_periods",
    "catalog_data",
    "coming_period",
    "currency_is_fixed",
    "current_period",
    "ended_subscription",
    "had_trial",
    "key_of",
    "latest_version",
    "meters_as_published",
    "meters_data",
    "next_period_dates",
    "period_at",
    "phases",
    "plan_terms",
    "plans_data",
    "public_plans",
    "published_terms",
    "redeemed_coupons",
    "redemptions_of",
    "running_subscription",
    "scheduled_change",
    "span_data",
    "span_days",
    "span_share",
    "spans_in",
    "status",
    "subscription_data",
    "tax_for",
    "version_at",
]
