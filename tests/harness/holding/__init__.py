"""Does the limit hold? Products that send at full speed until they are refused, against the real thing.

* goods.py: what is sold, and what usage of it costs by the contract (tests/pricing/oracle.py).
* sending.py: the sender processes, each "the product behind"; each notes what it asked, sent and was told.
* rounds.py: accounts that are used up to their limit; what was let through; whether any answer lied.
* billing.py: their invoices against all that.
* delays.py: from an event to the refusal and the mail, from a raise to going on.
* report.py: figures, and the promises that they keep or break.
* broken.py: the product with one defence taken out, which must be found (`--control`).
"""
