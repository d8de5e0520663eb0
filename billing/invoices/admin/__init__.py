"""Documents, payments, adjustments and the ledger for support staff. Issued documents cannot be changed."""

from billing.invoices.admin import adjustments, documents, ledger, parked

__all__ = ["adjustments", "documents", "ledger", "parked"]
