-- What: part of store_events.sql. Add to what a key sent on a day, if all of the batch was new.
-- Why: in the same statement, so that each event counts once and no round trip is added. The key's row is that of one
-- account, as the totals are: who waits for it waits for them.
-- Index: the primary key (key, day).
, sent AS (
    INSERT INTO usage_sentbykey AS kept (api_key_id, day, account_id, events)
    SELECT %(key)s::uuid, %(key_day)s::date, %(key_account)s::bigint, %(sent)s::bigint
    WHERE (SELECT arrived IS NULL FROM new)
    ON CONFLICT (api_key_id, day) DO UPDATE SET events = kept.events + excluded.events
)
