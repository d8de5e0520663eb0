"""The yardstick for intake over HTTP: what a billing portal looks like that was written in an afternoon.

A DRF ModelViewSet creates a row for each event, and a sum over the rows is the usage. No dedupe, no totals, no rows'
security. It runs on the product's own server, in one process, beside the same PostgreSQL.
"""
