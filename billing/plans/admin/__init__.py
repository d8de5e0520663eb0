"""The catalogue for support staff; subscriptions are in portal/admin.py, as changing them issues invoices."""

from billing.plans.admin import catalog, coupons, plans

__all__ = ["catalog", "coupons", "plans"]
