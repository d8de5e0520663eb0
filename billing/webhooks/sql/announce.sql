-- Writes messages, each once for its type and fact, and gives the ids of those that are new.
-- Why not the ORM: bulk_create(ignore_conflicts=True) cannot say whether a row is new, and only then the worker is woken.
-- Index: webhook_message_once_per_fact; a second transaction with the same fact waits there for the first one's end.
INSERT INTO webhooks_message (id, account_id, type, fact, payload, test, occurred_at)
SELECT * FROM unnest(%(ids)s::uuid[], %(accounts)s::bigint[], %(types)s::text[], %(facts)s::text[], %(payloads)s::bytea[],
                     %(tests)s::boolean[], %(times)s::timestamptz[])
ON CONFLICT (type, fact) DO NOTHING
RETURNING id
