-- Counts a refusal of a limit's version in a period, and keeps the first and the last.
-- Why so: a product that was stopped may ask a thousand times a second. The commit does not wait for the disk (what a
-- failing machine loses of the last half second is a count, no money), and callers of different connections write
-- different rows. Index: the primary key.
INSERT INTO limits_refusal AS kept (limit_id, period_id, slot, account_id, requests, first_at, last_at)
SELECT %(limit)s, %(period)s, pg_backend_pid() %% 16, %(account)s, %(requests)s, %(at)s, %(at)s
FROM set_config('synchronous_commit', 'off', true)
ON CONFLICT (limit_id, period_id, slot) DO UPDATE SET
    requests = kept.requests + excluded.requests,
    first_at = least(kept.first_at, excluded.first_at),
    last_at = greatest(kept.last_at, excluded.last_at)
