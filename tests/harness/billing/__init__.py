"""Do the books hold when those who bill are killed? `uv run python -m tests.harness.billing [--seconds 60] [--seed 1]`

Sixteen processes bill, issue credit notes and record payments at random on one database, for the same accounts, and are
killed (-9) at random, each in the middle of what it does; a killed one is started again. Afterwards: numbers gapless in
each series, one invoice for each period, the ledger sums to zero, and `verify` finds nothing.
"""
