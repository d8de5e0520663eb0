"""Documents, payments and adjustments for support staff. Issued documents cannot be changed."""

from billing.invoices.admin import adjustments, documents, parked

__all__ = ["adjustments", "documents", "parked"]
