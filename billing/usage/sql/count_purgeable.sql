-- What: how many raw events of an account a stretch of time has, but for the types that are kept.
-- Index: event_by_time (account, type, time), skipping from type to type.
SELECT count(*) FROM usage_event
WHERE account_id = %(account)s AND "time" >= %(start)s AND "time" < %(end)s AND type <> ALL(%(kept)s::text[])
