-- What: store the events of a batch that are new, and say which by their arrival; null: all of them. If all are, also
-- add sums to the day totals and tell the live pages; else none of it is done, for the batch's sums are then others.
-- At the mark `counted` comes count_sent.sql, where the sending key is counted: as part of every plan it would slow
-- the other senders, of single events by a fifth.
-- Why: one statement for the common batch, which is new altogether. One JSON parameter is faster than an array for
-- each column, jsonb than json (`data` is not read twice), and numbers in it stay exact. What most events have in
-- common is left out of it. The caller sorts by (account, source, id), and the totals are sorted by their key, so that
-- two batches lock rows in one order and cannot deadlock. The totals ask for `new` first: event keys before day totals.
-- Index: the primary key decides what is new; that of the day totals is (account, meter, day, dimensions' key).
WITH stored AS (
    INSERT INTO usage_event
        (account_id, source, event_id, type, "time", received_at, revision, timed, voided, data)
    SELECT a, coalesce(s, %(source)s), i, coalesce(y, %(type)s), t, %(now)s + n * interval '1 microsecond',
           coalesce(r, 0), coalesce(g, true), coalesce(v, false), d
    FROM jsonb_to_recordset(%(events)s::jsonb) AS batch(
        a bigint, s text, i text, y text, t timestamptz, n int, r int, g boolean, v boolean, d jsonb
    )
    ON CONFLICT DO NOTHING
    RETURNING received_at
), new AS MATERIALIZED (
    SELECT CASE WHEN count(*) = %(count)s THEN NULL ELSE coalesce(array_agg(received_at), '{}') END AS arrived
    FROM stored
), added AS (
    INSERT INTO usage_daytotal AS kept
        (account_id, meter_id, day, key, dimensions, events, total, maximum, arrived_at)
    SELECT a, m, d, usage_key(p), p, e, t, x, %(now)s
    FROM jsonb_to_recordset(%(totals)s::jsonb)
        AS batch(a bigint, m bigint, d date, p jsonb, e bigint, t numeric, x numeric)
    WHERE (SELECT arrived IS NULL FROM new)
    ORDER BY a, m, d, usage_key(p)
    ON CONFLICT (account_id, meter_id, day, key) DO UPDATE SET
        events = kept.events + excluded.events,
        total = kept.total + excluded.total,
        maximum = greatest(kept.maximum, excluded.maximum),
        arrived_at = greatest(kept.arrived_at, excluded.arrived_at)
)
--counted
SELECT arrived, CASE WHEN arrived IS NULL THEN (
    SELECT count(pg_notify('plainbill_usage', id::text)) FROM unnest(%(accounts)s::bigint[]) AS id
) END FROM new
