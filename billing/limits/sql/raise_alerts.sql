-- Records the thresholds that were reached, each once for its limit version and period, and gives those that are new.
-- Why not the ORM: bulk_create(ignore_conflicts=True) cannot say which rows are new, and only those are mailed.
-- Index: alert_once_per_threshold; two workers that insert the same rows in the same order wait, they do not deadlock.
-- All rows of one call have one created_at: together they are one mail.
INSERT INTO limits_alert (id, account_id, limit_id, period_id, threshold, spent, created_at, recipients, error)
SELECT gen_random_uuid(), %(account)s, %(limit)s, %(period)s, threshold, %(spent)s, statement_timestamp(), '[]', ''
FROM unnest(%(thresholds)s::int[]) AS threshold
ORDER BY threshold
ON CONFLICT (limit_id, period_id, threshold) DO NOTHING
RETURNING id
