"""Proofs of issued documents, read and recomputed without Django and without a database (docs/proof.md).

`manage.py verify`, the portal's check and `plainbill-verify` tally events by the same code, and price by
`billing.pricing`.
"""
