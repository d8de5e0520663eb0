"""The ledger: every document, payment and refund once more as entries of two sides, which sum to zero.

It says what credit an account has left, which credit paid what, and that no tax is owed twice. `postings.py` has the
one table of what is written and the one function that writes it; `sql/ledger.sql` keeps it as it is.
"""
