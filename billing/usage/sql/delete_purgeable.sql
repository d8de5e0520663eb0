-- What: take some raw events of an account and a stretch of time away, and give what their hashes are made of.
-- Why: a limited number, so that intake of the account never waits long.
-- Index: event_by_time (account, type, time), skipping from type to type; then the primary key.
DELETE FROM usage_event AS gone
USING (
    SELECT account_id, source, event_id FROM usage_event
    WHERE account_id = %(account)s AND "time" >= %(start)s AND "time" < %(end)s AND type <> ALL(%(kept)s::text[])
    LIMIT %(limit)s
) AS chosen
WHERE gone.account_id = %(account)s AND gone.source = chosen.source AND gone.event_id = chosen.event_id
RETURNING gone.source, gone.event_id, gone.type, gone."time", gone.timed, gone.revision, gone.voided, gone.data::text
