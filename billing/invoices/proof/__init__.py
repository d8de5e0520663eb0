"""Proofs: an issued document with its events and terms as one archive, and its check in the portal (docs/proof.md).

What an archive means, and how it is recomputed, is in `billing.proof`, which knows neither Django nor a database.
"""

from billing.invoices.proof.archive import proof_file
from billing.invoices.proof.checking import check_invoice, check_parts, parts_of
from billing.invoices.proof.verifier import verifier

__all__ = ["check_invoice", "check_parts", "parts_of", "proof_file", "verifier"]
