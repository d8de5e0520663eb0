-- What: store the events of a batch that are new, and say which by their places in the batch; null: all of them.
-- Why: one JSON parameter is faster than an array for each column, and numbers in it stay exact. What most events
-- have in common is left out of it, since reading it is a third of the work. The caller sorts by (account, source,
-- id), so that two batches take their keys in one order and cannot deadlock.
-- Index: the primary key decides what is new.
WITH stored AS (
    INSERT INTO usage_event
        (account_id, source, event_id, type, "time", received_at, revision, timed, voided, data)
    SELECT a, coalesce(s, %(source)s), i, coalesce(y, %(type)s), t, %(now)s + n * interval '1 microsecond',
           coalesce(r, 0), coalesce(g, true), coalesce(v, false), d
    FROM json_to_recordset(%(events)s::json) AS batch(
        a bigint, s text, i text, y text, t timestamptz, n int, r int, g boolean, v boolean, d jsonb
    )
    ON CONFLICT DO NOTHING
    RETURNING received_at
)
SELECT CASE WHEN count(*) = %(count)s THEN NULL ELSE coalesce(array_agg(received_at), '{}') END FROM stored
