"""Do the books hold when those who bill are killed? `uv run python -m tests.harness.billing [--seconds 60] [--seed 1]`

Sixteen processes bill, issue credit notes, record payments, prepayments, refunds and adjustments, and charge cards at
random on one database, for the same accounts, and are killed (-9) at random, each in the middle of what it does; one
that was killed is started again. Afterwards the worker's job asks what became of cards. Then: numbers gapless in each
series, one invoice for each period, the ledger sums to zero, what the provider of cards took and what is recorded are
equal, and `verify` finds nothing.
"""
