"""Changes of what is sold and of who is on it: each is one transaction. Invoices are issued by the caller."""

from billing.plans.actions.cancel import cancel, preview_cancel
from billing.plans.actions.catalog import CatalogChange, CatalogChanges, check_catalog, load_catalog
from billing.plans.actions.change import confirm_change, preview_change
from billing.plans.actions.publish import publish
from billing.plans.actions.reactivate import preview_reactivate, preview_take_back, reactivate, take_back
from billing.plans.actions.redeem import redeem
from billing.plans.actions.subscribe import preview_subscribe, subscribe
from billing.plans.previews import Actor, Preview

__all__ = [
    "Actor",
    "CatalogChange",
    "CatalogChanges",
    "Preview",
    "cancel",
    "check_catalog",
    "confirm_change",
    "load_catalog",
    "preview_cancel",
    "preview_change",
    "preview_reactivate",
    "preview_subscribe",
    "preview_take_back",
    "publish",
    "reactivate",
    "redeem",
    "subscribe",
    "take_back",
]
