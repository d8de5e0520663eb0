-- What: add a batch's sums to the day totals, in the transaction that stored its events.
-- Why: sorted by the key, so that two batches lock the rows in one order and cannot deadlock.
-- Index: the primary key (account, meter, day, dimensions' key).
INSERT INTO usage_daytotal AS kept
    (account_id, meter_id, day, key, dimensions, events, total, maximum, arrived_at)
SELECT a, m, d, usage_key(p), p, e, t, x, %(now)s
FROM json_to_recordset(%(totals)s::json) AS batch(a bigint, m bigint, d date, p jsonb, e bigint, t numeric, x numeric)
ORDER BY a, m, d, usage_key(p)
ON CONFLICT (account_id, meter_id, day, key) DO UPDATE SET
    events = kept.events + excluded.events,
    total = kept.total + excluded.total,
    maximum = greatest(kept.maximum, excluded.maximum),
    arrived_at = greatest(kept.arrived_at, excluded.arrived_at)
