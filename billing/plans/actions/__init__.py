"""Changes of what is sold and of who is on it: each is one transaction. Invoices are issued by the caller."""

from billing.plans.actions.cancel import cancel, preview_cancel
from billing.plans.actions.catalog import CatalogChange, CatalogChanges, check_catalog, load_catalog
from billing.plans.actions.change import confirm_change, preview_change, take_back
from billing.plans.actions.publish import publish
from billing.plans.actions.subscribe import subscribe
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
    "publish",
    "subscribe",
    "take_back",
]
